using System.Text;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>A version as REST shows it.</summary>
/// <param name="Version">Counts from 1.</param>
/// <param name="Digest">SHA-256 over all that decides what runs.</param>
/// <param name="MainModule">The module whose default export runs.</param>
/// <param name="CompatibilityDate">Which behaviour of the runtime it expects.</param>
/// <param name="CompatibilityFlags">Behaviours switched by name.</param>
/// <param name="Limits">As they were asked for.</param>
/// <param name="Bindings">What its <c>env</c> has; secret values are null.</param>
/// <param name="Triggers">What starts it besides requests.</param>
/// <param name="Modules">Without their bytes.</param>
/// <param name="Assets">Static files; null for none.</param>
/// <param name="Egress">What subrequests may reach; null for every public address.</param>
/// <param name="HealthPath">What the start-up check asks.</param>
/// <param name="Message">A word about it.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="CreatedAt">When.</param>
public sealed record VersionBody(
    int Version, string Digest, string MainModule, string CompatibilityDate, IReadOnlyList<string> CompatibilityFlags, WorkerLimits Limits, IReadOnlyList<WorkerBinding> Bindings, WorkerTriggers Triggers,
    IReadOnlyList<ModuleInfo> Modules, AssetsBody? Assets, IReadOnlyList<string>? Egress, string? HealthPath, string Message, string CreatedBy, DateTimeOffset CreatedAt)
{
    /// <summary>Of a version.</summary>
    public static VersionBody Of(WorkerVersion v) => new(
        v.Version, v.Digest, v.MainModule, v.CompatibilityDate, v.CompatibilityFlags, v.Limits, v.Bindings, v.Triggers, v.Modules,
        v.Assets is { } a ? new AssetsBody(a.Files.Count, a.Files.Values.Sum(f => f.Bytes), a.NotFound, a.WorkerFirst) : null, v.Egress, v.HealthPath, v.Message, v.CreatedBy, v.CreatedAt);
}

/// <summary>Static files in sum.</summary>
/// <param name="Files">How many.</param>
/// <param name="Bytes">Together.</param>
/// <param name="NotFound">What happens for other paths.</param>
/// <param name="WorkerFirst">Whether the worker runs before the files are looked at.</param>
public sealed record AssetsBody(int Files, long Bytes, AssetNotFound NotFound, bool WorkerFirst);

/// <summary>A module with its content.</summary>
/// <param name="Name">Path by which others import it.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text; null when it is bytes.</param>
/// <param name="Base64">Its bytes; null when it is text.</param>
public sealed record ModuleBody(string Name, ModuleKind Kind, string? Text, string? Base64)
{
    /// <summary>Of a module.</summary>
    public static ModuleBody Of(WorkerModule m) => m.Kind is ModuleKind.Wasm or ModuleKind.Data
        ? new(m.Name, m.Kind, null, Convert.ToBase64String(m.Content.Span)) : new(m.Name, m.Kind, Encoding.UTF8.GetString(m.Content.Span), null);
}
