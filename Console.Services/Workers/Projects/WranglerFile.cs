using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Projects;

/// <summary>The settings file of a project folder: <c>wrangler.toml</c>, <c>.json</c> or <c>.jsonc</c>.</summary>
/// <param name="Path">Where it is inside the upload.</param>
/// <param name="Settings">Its keys.</param>
internal sealed record WranglerFile(string Path, JsonObject Settings)
{
    private static readonly string[] Names = ["wrangler.jsonc", "wrangler.json", "wrangler.toml"];

    /// <summary>The folder it is in, with a slash at the end; empty for the upload's root.</summary>
    public string Folder => Path[..(Path.LastIndexOf('/') + 1)];

    /// <summary>Finds the one nearest to the root and reads it, with a named environment's keys over the others.</summary>
    public static Result<WranglerFile> Read(IReadOnlyList<UploadedFile> files, string? environment)
    {
        var found = files.Where(f => Names.Contains(System.IO.Path.GetFileName(f.Name)) && !f.Name.Contains("node_modules/", StringComparison.Ordinal))
            .OrderBy(f => f.Name.Count(c => c == '/')).ThenBy(f => Array.IndexOf(Names, System.IO.Path.GetFileName(f.Name))).FirstOrDefault();
        if (found is null) return Problem.Invalid("wrangler.toml", "There is no wrangler.toml, wrangler.json or wrangler.jsonc in the upload.", "Send the project folder with its settings file.");
        var name = System.IO.Path.GetFileName(found.Name);
        JsonObject settings;
        try
        {
            var text = new UTF8Encoding(false, true).GetString(found.Content.Span).TrimStart('\uFEFF');
            settings = name.EndsWith(".toml", StringComparison.Ordinal) ? Toml.Parse(text)
                : JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 32, AllowDuplicateProperties = false }) as JsonObject ?? throw new FormatException("it is no object");
        }
        catch (JsonException e) { return Problem.Invalid(name, $"It cannot be read: line {e.LineNumber + 1}, character {e.BytePositionInLine + 1}.", "Correct it and send it again."); }
        catch (Exception e) when (e is FormatException or DecoderFallbackException) { return Problem.Invalid(name, $"It cannot be read: {e.Message}.", "Correct it and send it again."); }
        if (environment is not { Length: > 0 }) return new WranglerFile(found.Name, settings);
        if (settings["env"] is not JsonObject environments || environments[environment] is not JsonObject over) return Problem.Invalid("environment", $"{name} has no environment '{environment}'.", "Name one of its env tables, or none.");
        settings["name"] = over["name"]?.DeepClone() ?? (settings["name"] is JsonValue own ? $"{own}-{environment}" : null);
        foreach (var (key, value) in over.Where(o => o.Key is not "name")) settings[key] = value?.DeepClone();
        return new WranglerFile(found.Name, settings);
    }
}
