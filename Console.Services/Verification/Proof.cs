namespace Quarterdeck.Verification;

/// <summary>A TCP port of the guest that must answer with bytes. A connection alone proves nothing: something before the guest takes it.</summary>
/// <param name="Port">1 to 65535.</param>
/// <param name="Send">What is sent first; null to listen for two seconds, and then to send <c>HEAD / HTTP/1.0</c>.</param>
/// <param name="Expect">What the first 4 KiB of the answer must contain; null for any byte.</param>
public sealed record PortCheck(int Port, string? Send = null, string? Expect = null);

/// <summary>A file that must have a digest.</summary>
/// <param name="Volume">The volume's id, as <c>GET /recovery-points/{id}/volumes</c> lists it.</param>
/// <param name="Path">From the volume's root.</param>
/// <param name="Sha256">64 hexadecimal digits; null to keep what it has, without judging it.</param>
public sealed record FileCheck(string Volume, string Path, string? Sha256 = null);

/// <summary>What a recovery point has to show to count as proved.</summary>
public sealed record ProofChecks
{
    /// <summary>Seconds that the guest has to reach user space and to answer, 10 to 3600.</summary>
    public int BootSeconds { get; init; } = 300;

    /// <summary>Text that the guest writes to its first serial port when it is up; null for none.</summary>
    public string? SerialMarker { get; init; }

    /// <summary>Ports that must answer, at most 16.</summary>
    public IReadOnlyList<PortCheck> Ports { get; init; } = [];

    /// <summary>Files that must be there, at most 16.</summary>
    public IReadOnlyList<FileCheck> Files { get; init; } = [];

    /// <summary>The guest's IPv4 address when it is fixed; null for DHCP.</summary>
    public string? GuestAddress { get; init; }
}

/// <summary>A proof that is asked for.</summary>
/// <param name="RecoveryPointId">The point.</param>
/// <param name="Checks">What it has to show; null for the checks of the VM's last proof, or that it comes up.</param>
/// <param name="RepositoryId">Where from, for a point that was copied; null for any.</param>
public sealed record NewProof(Guid RecoveryPointId, ProofChecks? Checks = null, Guid? RepositoryId = null)
{
    /// <summary>The operation this is a part of.</summary>
    public Guid? Parent { get; init; }
}

/// <summary>By what a guest was seen to be up; the first that holds.</summary>
public enum ProofEvidence
{
    /// <summary>By nothing: it did not come up in time.</summary>
    None,
    /// <summary>Its agent answered.</summary>
    Agent,
    /// <summary>It wrote the marker to its serial port.</summary>
    Serial,
    /// <summary>A port answered.</summary>
    Port,
    /// <summary>Only its screen came to rest. Weak: a guest that hangs does so, too; look at the picture.</summary>
    Screen,
}

/// <summary>One check's outcome.</summary>
/// <param name="Name">For people, such as <c>Port 80 answers</c>.</param>
/// <param name="Passed">Whether it held.</param>
/// <param name="Detail">What was seen.</param>
public sealed record CheckOutcome(string Name, bool Passed, string Detail);

/// <summary>What a boot of a recovery point showed.</summary>
public sealed record Proof
{
    /// <summary>The operation's id.</summary>
    public required Guid Id { get; init; }

    /// <summary>The point.</summary>
    public required Guid RecoveryPointId { get; init; }

    /// <summary>Its VM.</summary>
    public required Guid VmId { get; init; }

    /// <summary>The VM's name then.</summary>
    public required string VmName { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset EndedAt { get; init; }

    /// <summary>Whether all checks held.</summary>
    public required bool Passed { get; init; }

    /// <summary>By what the guest was seen to be up.</summary>
    public required ProofEvidence Evidence { get; init; }

    /// <summary>Seconds from its power-on to that; null when it did not come up.</summary>
    public double? BootSeconds { get; init; }

    /// <summary>Check by check.</summary>
    public required IReadOnlyList<CheckOutcome> Outcomes { get; init; }

    /// <summary>What was asked for.</summary>
    public required ProofChecks Checks { get; init; }

    /// <summary>Whether a picture of the screen is kept.</summary>
    public bool HasScreenshot { get; init; }
}
