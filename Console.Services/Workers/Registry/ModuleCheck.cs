using System.Text;
using System.Text.Json;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Registry;

/// <summary>Files of an upload as modules: names, kinds by extension, and what can be seen without running them.</summary>
internal static class ModuleCheck
{
    private const int MostModules = 2000, LongestName = 512;

    private static readonly Dictionary<string, ModuleKind> Kinds = new(StringComparer.OrdinalIgnoreCase)
    {
        [".js"] = ModuleKind.EsModule, [".mjs"] = ModuleKind.EsModule, [".cjs"] = ModuleKind.CommonJs, [".wasm"] = ModuleKind.Wasm, [".json"] = ModuleKind.Json, [".bin"] = ModuleKind.Data,
        [".txt"] = ModuleKind.Text, [".html"] = ModuleKind.Text, [".htm"] = ModuleKind.Text, [".sql"] = ModuleKind.Text, [".css"] = ModuleKind.Text, [".md"] = ModuleKind.Text, [".svg"] = ModuleKind.Text,
        [".xml"] = ModuleKind.Text, [".csv"] = ModuleKind.Text, [".graphql"] = ModuleKind.Text,
    };

    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Whether the extension is one that esbuild turns into JavaScript.</summary>
    public static bool IsTypeScript(string name) => Path.GetExtension(name).ToLowerInvariant() is ".ts" or ".tsx" or ".mts" or ".jsx";

    /// <summary>The kind of a file by its extension; null when it is none that a worker imports.</summary>
    public static ModuleKind? KindOf(string name) => Kinds.TryGetValue(Path.GetExtension(name), out var kind) ? kind : null;

    /// <summary>A path inside an upload as modules import it, or null when it leaves the upload or cannot be a name.</summary>
    public static string? Normal(string name)
    {
        var path = name.Replace('\\', '/');
        while (path.StartsWith("./", StringComparison.Ordinal)) path = path[2..];
        return path.Length is 0 or > LongestName || path[0] == '/' || path.Any(char.IsControl) || path.Split('/').Any(s => s is "" or "." or "..") ? null : path;
    }

    public static IReadOnlyList<WorkerModule> Read(IReadOnlyList<UploadedFile> files, WorkerLimits limits, List<FieldError> errors)
    {
        var modules = new Dictionary<string, WorkerModule>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            var field = $"modules[{file.Name}]";
            if (Normal(file.Name) is not { } name) errors.Add(new(field, "Its name leaves the upload or has characters that no module's name has.", "Use a relative path such as lib/answer.js, at most 512 characters."));
            else if (KindOf(name) is not { } kind) errors.Add(new(field, $"The extension '{Path.GetExtension(name)}' is no module's.", $"Use one of {string.Join(", ", Kinds.Keys)}, or .ts and .tsx, which are compiled."));
            else if (Damage(kind, file.Content.Span) is { } damage) errors.Add(new(field, damage, "Send the file as it is, unchanged."));
            else if (!modules.TryAdd(name, new WorkerModule(name, kind, file.Content))) errors.Add(new(field, "It comes twice.", "Send each module once."));
        }
        if (modules.Count > MostModules) errors.Add(new("modules", $"There are {modules.Count}.", $"Send at most {MostModules}; a bundler joins them."));
        var bytes = modules.Values.Sum(m => (long)m.Content.Length);
        if (bytes > limits.CodeBytes) errors.Add(new("modules", $"They have {bytes} bytes together; limits.codeBytes is {limits.CodeBytes}.", "Remove what is not imported, minify, serve large files as static assets, or raise limits.codeBytes within its ceiling."));
        return [.. modules.Values.OrderBy(m => m.Name, StringComparer.Ordinal)];
    }

    /// <summary>The main module's name, or null with the reason among the errors.</summary>
    public static string? Main(string? wanted, IReadOnlyList<WorkerModule> modules, List<FieldError> errors)
    {
        var scripts = modules.Where(m => m.Kind is ModuleKind.EsModule).Select(m => m.Name).ToList();
        if (modules.Count == 0) return Wrong("There is no module.", "Send at least one JavaScript module with a default export that has fetch().");
        if (wanted is not { Length: > 0 })
            return scripts.Count == 1 ? scripts[0] : Wrong("It is missing.", scripts.Count == 0 ? "Send a JavaScript module (.js or .mjs)." : $"Name the module whose default export runs: {string.Join(", ", scripts.Take(10))}.");
        if (Normal(wanted) is { } name && modules.FirstOrDefault(m => m.Name == name) is { } main)
            return main.Kind is ModuleKind.EsModule ? name : Wrong($"'{name}' is no JavaScript module with import and export.", "Name a module ending in .js or .mjs.");
        return Wrong($"There is no module '{wanted}' in the upload.", $"Name one of {string.Join(", ", scripts.Take(10))}, or send that module too.");

        string? Wrong(string message, string remedy)
        {
            if (errors.All(e => !e.Field.StartsWith("modules", StringComparison.Ordinal)) || wanted is not null) errors.Add(new("mainModule", message, remedy));
            return null;
        }
    }

    private static string? Damage(ModuleKind kind, ReadOnlySpan<byte> content)
    {
        if (kind is ModuleKind.Data) return null;
        if (kind is ModuleKind.Wasm) return content.StartsWith("\0asm"u8) ? null : "It is no WebAssembly: the first four bytes are others.";
        try { Utf8.GetCharCount(content); }
        catch (DecoderFallbackException e) { return $"It is not UTF-8: byte {e.Index + 1} is wrong."; }
        if (kind is not ModuleKind.Json) return null;
        try
        {
            var reader = new Utf8JsonReader(content.StartsWith("\uFEFF"u8) ? content[3..] : content, new JsonReaderOptions { MaxDepth = 512 });
            while (reader.Read()) { }
            return null;
        }
        catch (JsonException e) { return $"It is no JSON: line {e.LineNumber + 1}, character {e.BytePositionInLine + 1}."; }
    }
}
