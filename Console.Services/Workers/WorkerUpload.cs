using System.Text.Json;

namespace Quarterdeck.Workers;

/// <summary>What is said about code that is sent in; the part <c>metadata</c> of an upload.</summary>
public sealed record WorkerMetadata
{
    /// <summary>Name of the main module; null when there is one JavaScript module only.</summary>
    public string? MainModule { get; init; }

    /// <summary><c>yyyy-MM-dd</c>; null for the latest that the runtime knows.</summary>
    public string? CompatibilityDate { get; init; }

    /// <summary>Such as <c>nodejs_compat</c>.</summary>
    public IReadOnlyList<string>? CompatibilityFlags { get; init; }

    /// <summary>By name: a string, or an object with <c>type</c> and what that type takes. A secret without a value keeps that of the newest version.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Bindings { get; init; }

    /// <summary>What is null takes the default.</summary>
    public WantedLimits? Limits { get; init; }

    /// <summary>Cron rules and queues.</summary>
    public WorkerTriggers? Triggers { get; init; }

    /// <summary>Changes of the worker's classes of durable objects, in order; each is applied once.</summary>
    public IReadOnlyList<ObjectMigration>? Migrations { get; init; }

    /// <summary>How static files are served; they come as parts named <c>assets/…</c>.</summary>
    public AssetSettings? Assets { get; init; }

    /// <summary>What subrequests may reach; null for every public address.</summary>
    public IReadOnlyList<string>? Egress { get; init; }

    /// <summary>Path that must answer below 500 before traffic moves.</summary>
    public string? HealthPath { get; init; }

    /// <summary>A word about this version, at most 500 characters.</summary>
    public string? Message { get; init; }
}

/// <summary>How static files are served.</summary>
/// <param name="NotFound">What happens for paths without a file.</param>
/// <param name="WorkerFirst">Whether the worker runs before the files are looked at.</param>
/// <param name="Binding">Name by which the worker reads them; null for none.</param>
public sealed record AssetSettings(AssetNotFound NotFound = AssetNotFound.None, bool WorkerFirst = false, string? Binding = null);

/// <summary>Code that is sent in.</summary>
/// <param name="Metadata">What is said about it.</param>
/// <param name="Files">Modules by their name; static files under <c>assets/</c>.</param>
public sealed record WorkerUpload(WorkerMetadata Metadata, IReadOnlyList<UploadedFile> Files);

/// <summary>One file of an upload.</summary>
/// <param name="Name">Its path inside the upload.</param>
/// <param name="Content">Its bytes.</param>
public sealed record UploadedFile(string Name, ReadOnlyMemory<byte> Content);

/// <summary>What came of an upload.</summary>
/// <param name="Name">The worker.</param>
/// <param name="Version">The new version.</param>
/// <param name="Deployed">Whether it answers requests.</param>
/// <param name="StartupMs">What the start-up check took, milliseconds.</param>
/// <param name="Warnings">What was left out or will not work, such as keys of a wrangler file that mean nothing here.</param>
public sealed record UploadOutcome(string Name, int Version, bool Deployed, double StartupMs, IReadOnlyList<string> Warnings);

/// <summary>A version like the newest, with some of it changed; null leaves as it is.</summary>
/// <param name="Bindings">All bindings, as in <see cref="WorkerMetadata"/>.</param>
/// <param name="Limits">Limits.</param>
/// <param name="CompatibilityDate">Date.</param>
/// <param name="CompatibilityFlags">Flags.</param>
/// <param name="Triggers">Cron rules and queues.</param>
/// <param name="Egress">What subrequests may reach; an entry <c>*</c> alone for every public address.</param>
/// <param name="HealthPath">Path; empty for none.</param>
/// <param name="Message">A word about it.</param>
public sealed record WorkerRevision(
    IReadOnlyDictionary<string, JsonElement>? Bindings = null, WantedLimits? Limits = null, string? CompatibilityDate = null, IReadOnlyList<string>? CompatibilityFlags = null,
    WorkerTriggers? Triggers = null, IReadOnlyList<string>? Egress = null, string? HealthPath = null, string? Message = null);

/// <summary>A deployment as it is asked for.</summary>
/// <param name="Versions">One or two, shares that make 100.</param>
/// <param name="Sticky">What keeps a visitor with one version; null for chance.</param>
/// <param name="Reason">A word about it, at most 500 characters.</param>
public sealed record NewDeployment(IReadOnlyList<VersionShare>? Versions, StickyRule? Sticky = null, string? Reason = null);

/// <summary>Settings of a worker that are no part of a version.</summary>
/// <param name="Rollback">When a deployment is taken back by itself; null for never.</param>
public sealed record WorkerSettings(RollbackRule? Rollback);

/// <summary>A zone's routes as they are asked for.</summary>
/// <param name="Routes">Patterns may begin with the host name.</param>
/// <param name="Hostname">As in the address; allowed so that what was read can be sent back.</param>
public sealed record NewZone(IReadOnlyList<ZoneRoute>? Routes, string? Hostname = null);

/// <summary>What differs between two versions.</summary>
/// <param name="From">The older, or the one to compare with.</param>
/// <param name="To">The other.</param>
/// <param name="Modules">Modules that differ.</param>
/// <param name="Settings">What else differs: name of the setting, and both values as text.</param>
public sealed record VersionDiff(int From, int To, IReadOnlyList<ModuleDiff> Modules, IReadOnlyList<SettingDiff> Settings);

/// <summary>How a module changed.</summary>
public enum DiffKind { Added, Removed, Changed }

/// <summary>A module that differs.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">How.</param>
/// <param name="Lines">Text by lines, unchanged ones shortened to three around each change; null for bytes or above 1 MiB.</param>
public sealed record ModuleDiff(string Name, DiffKind Kind, IReadOnlyList<DiffLine>? Lines);

/// <summary>One line of a diff.</summary>
/// <param name="Mark"><c>+</c> added, <c>-</c> removed, space unchanged, <c>@</c> lines left out.</param>
/// <param name="Text">The line.</param>
public sealed record DiffLine(char Mark, string Text);

/// <summary>A setting that differs.</summary>
/// <param name="Name">As REST spells it, such as <c>limits.cpuMs</c>.</param>
/// <param name="From">Before; null when absent.</param>
/// <param name="To">After; null when absent.</param>
public sealed record SettingDiff(string Name, string? From, string? To);
