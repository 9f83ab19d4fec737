using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Registry;

/// <summary>Static files of an upload: paths, sizes, media types.</summary>
internal static class AssetCheck
{
    /// <summary>Where static files are inside an upload.</summary>
    public const string Folder = "assets/";

    private const int MostFiles = 20_000, MostBytes = 25 << 20;

    // The ones that browsers treat differently; anything else is bytes.
    private static readonly Dictionary<string, string> Types = new(StringComparer.OrdinalIgnoreCase)
    {
        [".html"] = "text/html; charset=utf-8", [".htm"] = "text/html; charset=utf-8", [".css"] = "text/css; charset=utf-8", [".js"] = "text/javascript; charset=utf-8", [".mjs"] = "text/javascript; charset=utf-8",
        [".json"] = "application/json", [".map"] = "application/json", [".webmanifest"] = "application/manifest+json", [".txt"] = "text/plain; charset=utf-8", [".md"] = "text/markdown; charset=utf-8",
        [".xml"] = "application/xml", [".svg"] = "image/svg+xml", [".png"] = "image/png", [".jpg"] = "image/jpeg", [".jpeg"] = "image/jpeg", [".gif"] = "image/gif", [".webp"] = "image/webp",
        [".avif"] = "image/avif", [".ico"] = "image/x-icon", [".wasm"] = "application/wasm", [".woff"] = "font/woff", [".woff2"] = "font/woff2", [".ttf"] = "font/ttf", [".otf"] = "font/otf",
        [".pdf"] = "application/pdf", [".mp4"] = "video/mp4", [".webm"] = "video/webm", [".mp3"] = "audio/mpeg", [".csv"] = "text/csv; charset=utf-8",
    };

    public static WorkerAssets? Read(AssetSettings? settings, IReadOnlyList<UploadedFile> files, List<FieldError> errors, List<string> warnings)
    {
        var rules = files.Where(IsRules).ToDictionary(f => f.Name, f => f.Content);
        files = [.. files.Where(f => !IsRules(f))];
        if (settings is null && files.Count + rules.Count == 0) return null;
        if (files.Count > MostFiles) errors.Add(new("assets", $"There are {files.Count} files.", $"Send at most {MostFiles}."));
        var found = new Dictionary<string, AssetFile>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            if (ModuleCheck.Normal(file.Name) is not { } name) errors.Add(new($"assets[{file.Name}]", "Its path leaves the folder or has characters that no path has.", "Use a relative path of at most 512 characters."));
            else if (file.Content.Length > MostBytes) errors.Add(new($"assets[{file.Name}]", $"It has {file.Content.Length} bytes.", $"A static file may have at most {MostBytes >> 20} MiB; serve larger ones from a bucket."));
            else found["/" + name] = new AssetFile("/" + name, CodeDigest.Of(file.Content.Span), Types.GetValueOrDefault(Path.GetExtension(name), "application/octet-stream"), file.Content.Length);
        }
        if (settings is { NotFound: AssetNotFound.SinglePage } && !found.ContainsKey("/index.html")) errors.Add(new("assets.notFound", "A single-page application has no /index.html.", "Send assets/index.html, or choose another notFound."));
        var reader = new AssetRuleFiles(errors, warnings);
        return new WorkerAssets(found, settings?.NotFound ?? AssetNotFound.None, settings?.WorkerFirst ?? false)
        {
            Redirects = rules.TryGetValue(AssetRuleFiles.Redirects, out var redirects) ? reader.ReadRedirects(redirects) : [],
            Headers = rules.TryGetValue(AssetRuleFiles.Headers, out var headers) ? reader.ReadHeaders(headers) : [],
        };
    }

    /// <summary>Whether a static file tells how the others are served, and is not served itself.</summary>
    public static bool IsRules(UploadedFile file) => file.Name is AssetRuleFiles.Redirects or AssetRuleFiles.Headers;
}
