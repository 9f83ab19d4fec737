using System.Text.Json;

namespace Quarterdeck.Plugins.Validation;

/// <summary>The members of a manifest that consoles of this version read; a test compares them with the schema.</summary>
internal static class KnownMembers
{
    private static readonly string[] Endpoint = ["port", "scheme", "path"];

    /// <summary>By path, elements of lists under the list's own.</summary>
    internal static readonly IReadOnlyDictionary<string, string[]> All = new Dictionary<string, string[]>
    {
        [""] = ["$schema", "schema", "key", "name", "vendor", "version", "description", "console", "capabilities", "ui", "health", "contributes", "webhooks", "data"],
        ["ui"] = Endpoint,
        ["health"] = Endpoint,
        ["contributes"] = ["menu", "tabs", "cards"],
        ["contributes.menu"] = ["title", "path", "icon"],
        ["contributes.tabs"] = ["object", "title", "path"],
        ["contributes.cards"] = ["title", "path", "heightPx"],
        ["webhooks"] = ["port", "scheme", "path", "events"],
    };

    /// <summary>Paths of the members that are not known.</summary>
    public static IEnumerable<string> Strangers(JsonElement element, string path) => element.ValueKind switch
    {
        JsonValueKind.Array => element.EnumerateArray().SelectMany(e => Strangers(e, path)).Distinct(),
        JsonValueKind.Object when All.TryGetValue(path, out var known) => element.EnumerateObject().SelectMany(m =>
        {
            var at = path.Length == 0 ? m.Name : $"{path}.{m.Name}";
            return known.Contains(m.Name) ? Strangers(m.Value, at) : [at];
        }),
        _ => [],
    };
}
