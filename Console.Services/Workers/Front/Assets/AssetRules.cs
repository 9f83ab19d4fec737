using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Quarterdeck.Workers.Front.Assets;

/// <summary>A version's redirects and headers in the form in which requests look them up; made at the first request.</summary>
internal sealed class AssetRules
{
    private static readonly ConditionalWeakTable<WorkerAssets, AssetRules> Made = [];

    private readonly Dictionary<string, AssetRedirect> _plain = new(StringComparer.Ordinal);
    private readonly List<(PathPattern Pattern, AssetRedirect Redirect)> _variable = [];
    private readonly List<(PathPattern Pattern, bool ByHost, AssetHeaders Headers)> _headers = [];

    private AssetRules(WorkerAssets assets)
    {
        foreach (var redirect in assets.Redirects)
            if (PathPattern.HasVariables(redirect.From)) _variable.Add((new PathPattern(redirect.From), redirect));
            else _plain.TryAdd(redirect.From, redirect);
        foreach (var block in assets.Headers) _headers.Add((new PathPattern(block.For), !block.For.StartsWith('/'), block));
    }

    /// <summary>The rules of static files; null when there are none.</summary>
    public static AssetRules? Of(WorkerAssets assets) => assets.Redirects.Count + assets.Headers.Count == 0 ? null : Made.GetValue(assets, static a => new AssetRules(a));

    /// <summary>Where a path leads, and the status; null when it stays. With status 200 it is a path without percent-encoding, else a Location.</summary>
    /// <param name="path">Decoded.</param>
    /// <param name="query">With its question mark; goes along where the target has none of its own.</param>
    public (string To, int Status)? Redirect(string path, string query)
    {
        if (_plain.TryGetValue(path, out var plain)) return (plain.Status == 200 ? Decoded(plain.To) : Location(plain.To, query), plain.Status);
        foreach (var (pattern, redirect) in _variable)
            if (pattern.Of(path) is { } match)
                return redirect.Status == 200 ? (Decoded(PathPattern.Fill(redirect.To, match, v => v)), 200) : (Location(Filled(redirect.To, match), query), redirect.Status);
        return null;
    }

    /// <summary>Changes the headers of an answer.</summary>
    /// <param name="host">The visitor's, without a port; null when unknown.</param>
    /// <param name="path">Decoded.</param>
    /// <param name="headers">By name, any case.</param>
    public void Apply(string? host, string path, Dictionary<string, string> headers)
    {
        var mine = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (pattern, byHost, block) in _headers)
        {
            if (byHost && host is null || pattern.Of(byHost ? $"https://{host}{path}" : path) is not { } match) continue;
            foreach (var name in block.Remove) headers.Remove(name);
            // the first rule replaces what the platform says, the others add to it
            foreach (var (name, value) in block.Set)
                headers[name] = mine.Add(name) || !headers.TryGetValue(name, out var before) ? Filled(value, match) : $"{before}, {Filled(value, match)}";
        }
    }

    // What a visitor wrote into the address must not end a header. An encoded slash is the only thing that a path keeps encoded.
    private static string Filled(string value, Match match) => PathPattern.Fill(value, match, v => AssetPaths.Encode(v).Replace("%252F", "%2F", StringComparison.OrdinalIgnoreCase));

    private static string Decoded(string path) => Uri.UnescapeDataString(path.Split('?', '#')[0]);

    private static string Location(string to, string query)
    {
        // "/:splat" with "//elsewhere" would lead to another host
        if (to.StartsWith("//", StringComparison.Ordinal)) to = "/" + to.TrimStart('/');
        if (query.Length == 0) return to;
        var hash = to.IndexOf('#', StringComparison.Ordinal) is >= 0 and var at ? at : to.Length;
        return to.AsSpan(0, hash).Contains('?') ? to : $"{to[..hash]}{query}{to[hash..]}";
    }
}
