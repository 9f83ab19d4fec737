namespace Quarterdeck.Appliances;

/// <summary>What an appliance's environment holds now.</summary>
public enum EnvironmentState
{
    /// <summary>The package has no password properties, so there is nothing to take out.</summary>
    Plain,
    /// <summary>Password properties (and for a plug-in its enrolment token) are in it, for the guest to read at its first start.</summary>
    Open,
    /// <summary>Password properties and token were taken out.</summary>
    Sealed,
}

/// <summary>A VM that was deployed from a package, and what is known about that package.</summary>
public sealed record Appliance
{
    /// <summary>UUIDv7.</summary>
    public required Guid Id { get; init; }

    /// <summary>Name of the VM when it was deployed.</summary>
    public required string Name { get; init; }

    /// <summary>Its host.</summary>
    public required Guid HostId { get; init; }

    /// <summary>Its VM; it may be gone when it was deleted outside.</summary>
    public required Guid VmId { get; init; }

    /// <summary>The operation that deployed it.</summary>
    public required Guid OperationId { get; init; }

    /// <summary>What the package says it is.</summary>
    public required OvaProduct Product { get; init; }

    /// <summary>How far the package's digests and signature went when it was deployed.</summary>
    public required SignatureState Signature { get; init; }

    /// <summary>Who signed the package; null when nobody did.</summary>
    public string? Publisher { get; init; }

    /// <summary>SHA-256 of the certificate it was signed with, in hexadecimal digits; null when nobody signed it.</summary>
    public string? PublisherFingerprint { get; init; }

    /// <summary>Size of the package in bytes; 0 when not known.</summary>
    public long PackageBytes { get; init; }

    /// <summary>The deployment option that was chosen; null when the package has none.</summary>
    public string? DeploymentOption { get; init; }

    /// <summary>The package's networks and the host networks that they were mapped to.</summary>
    public IReadOnlyDictionary<string, string> Networks { get; init; } = new Dictionary<string, string>();

    /// <summary>The values of its properties, without passwords.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether it is a plug-in: then it is removed by uninstalling that.</summary>
    public bool Plugin { get; init; }

    /// <summary>What its environment holds now.</summary>
    public required EnvironmentState Environment { get; init; }

    /// <summary>When it was deployed.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}
