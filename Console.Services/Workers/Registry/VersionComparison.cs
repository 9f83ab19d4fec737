using System.Text;
using System.Text.Json;

namespace Quarterdeck.Workers.Registry;

/// <summary>What differs between two versions.</summary>
internal static class VersionComparison
{
    // Above it a line by line comparison is for machines.
    private const int MostText = 1 << 20;

    public static VersionDiff Of(WorkerVersion from, IReadOnlyList<WorkerModule> old, WorkerVersion to, IReadOnlyList<WorkerModule> now)
    {
        var before = old.ToDictionary(m => m.Name, StringComparer.Ordinal);
        var after = now.ToDictionary(m => m.Name, StringComparer.Ordinal);
        var modules = new List<ModuleDiff>();
        foreach (var name in before.Keys.Union(after.Keys).Order(StringComparer.Ordinal))
        {
            var (was, @is) = (before.GetValueOrDefault(name), after.GetValueOrDefault(name));
            if (was is not null && @is is not null && was.Kind == @is.Kind && was.Content.Span.SequenceEqual(@is.Content.Span)) continue;
            modules.Add(new ModuleDiff(name, was is null ? DiffKind.Added : @is is null ? DiffKind.Removed : DiffKind.Changed, Lines(was, @is)));
        }
        return new VersionDiff(from.Version, to.Version, modules, [.. Settings(from, to)]);
    }

    private static IReadOnlyList<DiffLine>? Lines(WorkerModule? was, WorkerModule? now) =>
        new[] { was, now }.Any(m => m is { Kind: ModuleKind.Wasm or ModuleKind.Data } || m?.Content.Length > MostText) ? null : LineDiff.Of(Text(was), Text(now));

    private static string Text(WorkerModule? module) => module is null ? "" : Encoding.UTF8.GetString(module.Content.Span);

    private static IEnumerable<SettingDiff> Settings(WorkerVersion from, WorkerVersion to)
    {
        foreach (var (name, was, now) in new (string, string?, string?)[]
        {
            ("mainModule", from.MainModule, to.MainModule), ("compatibilityDate", from.CompatibilityDate, to.CompatibilityDate),
            ("compatibilityFlags", string.Join(", ", from.CompatibilityFlags), string.Join(", ", to.CompatibilityFlags)), ("healthPath", from.HealthPath, to.HealthPath),
            ("egress", from.Egress is null ? null : string.Join(", ", from.Egress), to.Egress is null ? null : string.Join(", ", to.Egress)),
            ("triggers.crons", string.Join(", ", from.Triggers.Crons), string.Join(", ", to.Triggers.Crons)),
            ("triggers.queues", StoredJson.Write(from.Triggers.Queues), StoredJson.Write(to.Triggers.Queues)),
            ("assets", Assets(from.Assets), Assets(to.Assets)),
        })
            if (was != now) yield return new SettingDiff(name, was, now);
        foreach (var limit in LimitCheck.Compare(from.Limits, to.Limits)) yield return limit;
        var (before, after) = (from.Bindings.ToDictionary(b => b.Name), to.Bindings.ToDictionary(b => b.Name));
        foreach (var name in before.Keys.Union(after.Keys).Order(StringComparer.Ordinal))
            if (Binding(before.GetValueOrDefault(name)) is var was && Binding(after.GetValueOrDefault(name)) is var now && was != now) yield return new SettingDiff($"bindings.{name}", was, now);
    }

    private static string? Binding(WorkerBinding? binding) => binding switch
    {
        null => null,
        { Kind: BindingKind.Secret } => "secret",
        _ => $"{binding.Kind.ToString().ToLowerInvariant()} {JsonSerializer.Serialize(binding.Value)}",
    };

    private static string? Assets(WorkerAssets? assets)
    {
        if (assets is null) return null;
        var digest = CodeDigest.Of(Encoding.UTF8.GetBytes(string.Join('\n', assets.Files.Values.OrderBy(f => f.Path, StringComparer.Ordinal).Select(f => $"{f.Digest} {f.Path}")) + StoredJson.Write(assets.Redirects) + StoredJson.Write(assets.Headers)));
        return $"{assets.Files.Count} files, {assets.Redirects.Count} redirects, {assets.Headers.Count} blocks of headers ({digest[..12]}), notFound {assets.NotFound.ToString().ToLowerInvariant()}{(assets.WorkerFirst ? ", worker first" : "")}";
    }
}
