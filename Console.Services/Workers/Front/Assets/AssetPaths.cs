namespace Quarterdeck.Workers.Front.Assets;

/// <summary>Which file answers a path, as on other platforms: <c>/about</c> is <c>/about.html</c>, <c>/docs/</c> is <c>/docs/index.html</c>, and each page has one address only.</summary>
internal static class AssetPaths
{
    private const string Index = "index.html", Html = ".html";

    /// <summary>The file and its status, or where the visitor is sent; null when the worker is to answer.</summary>
    /// <param name="assets">The files.</param>
    /// <param name="path">Decoded; begins with a slash.</param>
    public static (AssetFile? File, int Status, string? Redirect)? Find(WorkerAssets assets, string path)
    {
        var files = assets.Files;
        if (Redirect(files, path) is { } other) return (null, 307, other);
        if (files.TryGetValue(path, out var file)) return (file, 200, null);
        if (path.EndsWith('/') ? files.TryGetValue(path + Index, out file) : files.TryGetValue(path + Html, out file)) return (file, 200, null);
        return assets.NotFound switch
        {
            AssetNotFound.SinglePage when files.TryGetValue("/" + Index, out file) => (file, 200, null),
            AssetNotFound.Page404 when Nearest(files, path) is { } page => (page, 404, null),
            _ => null,
        };
    }

    /// <summary>A path for a Location header.</summary>
    public static string Encode(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    private static string? Redirect(IReadOnlyDictionary<string, AssetFile> files, string path)
    {
        if (path.EndsWith("/" + Index, StringComparison.Ordinal) && files.ContainsKey(path)) return path[..^Index.Length];
        if (path.EndsWith(Html, StringComparison.Ordinal) && files.ContainsKey(path)) return path[..^Html.Length];
        if (files.ContainsKey(path)) return null;
        if (path.EndsWith('/')) return path.Length > 1 && !files.ContainsKey(path + Index) && files.ContainsKey(path[..^1] + Html) ? path[..^1] : null;
        return !files.ContainsKey(path + Html) && files.ContainsKey(path + "/" + Index) ? path + "/" : null;
    }

    private static AssetFile? Nearest(IReadOnlyDictionary<string, AssetFile> files, string path)
    {
        for (var slash = path.LastIndexOf('/'); slash >= 0; slash = slash == 0 ? -1 : path.LastIndexOf('/', slash - 1))
            if (files.TryGetValue(path[..slash] + "/404.html", out var page)) return page;
        return null;
    }
}
