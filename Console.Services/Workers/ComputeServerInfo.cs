namespace Quarterdeck.Workers;

/// <summary>A compute server, as pages and REST show it.</summary>
public sealed record ComputeServerInfo
{
    /// <summary>Its name on its node, such as <c>s0</c> (shared) or <c>c12</c> (the cordon of the worker with serial 12), with the node in front.</summary>
    public required string Id { get; init; }

    /// <summary>The node it runs on.</summary>
    public required string Node { get; init; }

    /// <summary>The process; null while it is down.</summary>
    public int? Pid { get; init; }

    /// <summary><see cref="WorkerTier.Shared"/> or <see cref="WorkerTier.Cordon"/>.</summary>
    public required WorkerTier Tier { get; init; }

    /// <summary>Whose cordon it is; null for a shared one.</summary>
    public long? Serial { get; init; }

    /// <summary>Whether it has the durable objects of the worker with that serial, and answers no visitors; its id begins with <c>o</c> then.</summary>
    public bool Objects { get; init; }

    /// <summary>Whether it answers, starts, or is down and why.</summary>
    public required ComputeServerState State { get; init; }

    /// <summary>Isolates in it that belong to workers.</summary>
    public int Workers { get; init; }

    /// <summary>Resident memory of the process.</summary>
    public long RssBytes { get; init; }

    /// <summary>CPU time of the process since it started.</summary>
    public double CpuSeconds { get; init; }

    /// <summary>How often the process ended without being asked to, since the console started.</summary>
    public int Restarts { get; init; }

    /// <summary>Since when this process runs; null while it is down.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary><c>active</c>, or <c>off</c>: then only the watchdog holds the limits.</summary>
    public required string Guard { get; init; }

    /// <summary>Why the guard is off; null when it is active.</summary>
    public string? GuardReason { get; init; }

    /// <summary>The parts of the sandbox that are active.</summary>
    public required SandboxParts Sandbox { get; init; }

    /// <summary>How the last process ended, in words; null when none did.</summary>
    public string? LastEnd { get; init; }
}

/// <summary>What a compute server does.</summary>
public enum ComputeServerState
{
    /// <summary>The process was started and does not answer yet.</summary>
    Starting,
    /// <summary>It answers.</summary>
    Up,
    /// <summary>It does not run; it is started again after a pause.</summary>
    Down,
}

/// <summary>The walls around a compute server. What the machine does not allow is false, and shown.</summary>
/// <param name="Network">A network namespace without interfaces: unix sockets only.</param>
/// <param name="Files">A read-only view of the system's programs, nothing of the console's data, one folder of sockets.</param>
/// <param name="User">A user of its own, without capabilities.</param>
/// <param name="NoNewPrivileges">Neither it nor a child gains privileges.</param>
/// <param name="Memory">A cgroup limits its memory.</param>
/// <param name="Processes">A cgroup limits its threads and processes.</param>
public sealed record SandboxParts(bool Network, bool Files, bool User, bool NoNewPrivileges, bool Memory, bool Processes)
{
    /// <summary>No wall at all.</summary>
    public static SandboxParts None { get; } = new(false, false, false, false, false, false);

    /// <summary>Whether all of them stand.</summary>
    public bool Complete => this is { Network: true, Files: true, User: true, NoNewPrivileges: true, Memory: true, Processes: true };
}
