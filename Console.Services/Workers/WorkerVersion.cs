namespace Quarterdeck.Workers;

/// <summary>Code with everything it runs by. Never changes once made: a changed binding or limit makes a new version with the same modules.</summary>
public sealed record WorkerVersion
{
    /// <summary>The worker's serial number.</summary>
    public required long Serial { get; init; }

    /// <summary>Counts from 1.</summary>
    public required int Version { get; init; }

    /// <summary>SHA-256 over modules, main module, compatibility and bindings without secret values; lower-case hexadecimal. Readers of the code compare it.</summary>
    public required string Digest { get; init; }

    /// <summary>Name of the module whose default export runs.</summary>
    public required string MainModule { get; init; }

    /// <summary>The day whose behaviour of the runtime the code expects, <c>yyyy-MM-dd</c>.</summary>
    public required string CompatibilityDate { get; init; }

    /// <summary>Behaviours switched on or off by name, such as <c>nodejs_compat</c>.</summary>
    public required IReadOnlyList<string> CompatibilityFlags { get; init; }

    /// <summary>As they were asked for; <see cref="DeployedVersion.Limits"/> has them within the ceilings of now.</summary>
    public required WorkerLimits Limits { get; init; }

    /// <summary>What its <c>env</c> has; secret values are null.</summary>
    public required IReadOnlyList<WorkerBinding> Bindings { get; init; }

    /// <summary>What starts it besides requests.</summary>
    public required WorkerTriggers Triggers { get; init; }

    /// <summary>Its modules, without their bytes.</summary>
    public required IReadOnlyList<ModuleInfo> Modules { get; init; }

    /// <summary>Static files; null when it has none.</summary>
    public WorkerAssets? Assets { get; init; }

    /// <summary>Hosts and networks its subrequests may reach, such as <c>api.example.com</c> or <c>*.example.com</c>; null for every public address.</summary>
    public IReadOnlyList<string>? Egress { get; init; }

    /// <summary>Path that must answer below 500 before traffic moves; null to load the code only.</summary>
    public string? HealthPath { get; init; }

    /// <summary>A word of who made it, such as a commit; empty when none was given.</summary>
    public string Message { get; init; } = "";

    /// <summary>Who made it.</summary>
    public required string CreatedBy { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Its name in the data plane.</summary>
    public WorkerKey Key => new(Serial, Version);
}

/// <summary>The code of a version as it is loaded into an isolate; never leaves the console's process but for the compute server.</summary>
/// <param name="Key">Which version.</param>
/// <param name="Name">The worker's name.</param>
/// <param name="Digest">What <see cref="IsIntact"/> compares with.</param>
/// <param name="MainModule">Name of the main module.</param>
/// <param name="CompatibilityDate">As in <see cref="WorkerVersion"/>, here and below.</param>
/// <param name="CompatibilityFlags">Flags.</param>
/// <param name="Modules">With their bytes.</param>
/// <param name="Bindings">With the values of secrets.</param>
/// <param name="Limits">As they were asked for, within the ceilings.</param>
/// <param name="Egress">What its subrequests may reach; null for every public address.</param>
public sealed record WorkerCode(
    WorkerKey Key, string Name, string Digest, string MainModule, string CompatibilityDate, IReadOnlyList<string> CompatibilityFlags,
    IReadOnlyList<WorkerModule> Modules, IReadOnlyList<WorkerBinding> Bindings, WorkerLimits Limits, IReadOnlyList<string>? Egress)
{
    /// <summary>Namespaces of durable objects, by the name of the binding; empty before the version is stored.</summary>
    public IReadOnlyDictionary<string, string> ObjectKeys { get; init; } = new Dictionary<string, string>();

    /// <summary>Classes of the worker's own durable objects, whether or not the version has a binding to them.</summary>
    public IReadOnlyList<ObjectClass> ObjectClasses { get; init; } = [];

    /// <summary>Whether the parts still make the digest that was stored when the version was made.</summary>
    public bool IsIntact() => Registry.CodeDigest.Of(this) == Digest;
}
