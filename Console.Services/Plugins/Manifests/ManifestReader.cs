using System.Text.Json;
using System.Text.RegularExpressions;
using Quarterdeck.Platform;

namespace Quarterdeck.Plugins.Manifests;

/// <summary>Reads schema 1. docs/formats/quarterdeck-plugin.schema.json says the same for other tools; a test holds both together.</summary>
internal static partial class ManifestReader
{
    private const int MaxPath = 400, MaxTitle = 40, MaxEntries = 8, MaxCards = 4, MaxNames = 32, MaxDisks = 16, MaxDiskId = 80;
    private const string PathForm = "Give a path of the plug-in's own UI such as /scans: it begins with one slash, has at most 400 characters, no blanks, no backslashes, and no part '.' or '..'.";

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?\z")]
    private static partial Regex KeyPattern();

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?\z")]
    private static partial Regex NamePattern();

    // Two slashes would be another host to a browser; dot segments would leave the plug-in's own space.
    [GeneratedRegex(@"^/(?!/)(?!(?:[^?#]*/)?(?:\.|%2[eE]){1,2}(?:[/?#]|\z))[^\s\\\u0000-\u001f\u007f-\u009f]*\z")]
    private static partial Regex PathPattern();

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\z")]
    private static partial Regex IconPattern();

    public static Result<PluginManifest> Read(JsonElement element, string at)
    {
        List<FieldError> errors = [];
        var root = new Members(element, at, errors);
        if (!(element.TryGetProperty("schema", out var schema) && schema.ValueKind is JsonValueKind.Number && schema.TryGetDecimal(out var number) && number == 1))
            root.Wrong("schema", "This console knows schema 1 only.", "Set it to 1, or use a newer console.");
        var ui = Ui(root);
        var manifest = new PluginManifest(
            root.Text("key", 64, true, KeyPattern().IsMatch, "Use lower-case letters, digits, dots and dashes, such as org.example.netscan."),
            root.Text("name", 80, true), root.Text("vendor", 80, true),
            root.Text("version", 40, true, t => SemanticVersion.TryParse(t, out _), "Use MAJOR.MINOR.PATCH, such as 1.2.0."),
            root.Text("description", 400, false),
            root.Text("console", 100, false, t => VersionRange.TryParse(t, out _), "Use comparisons joined by blanks, such as >=0.1.0 <1.0.0.") is { Length: > 0 } range ? range : null,
            root.Texts("capabilities", 0, MaxNames, NamePattern().IsMatch, $"Give at most {MaxNames} permissions such as vms.read."),
            ui, Contributes(root), Webhook(root, ui),
            root.Texts("data", 0, MaxDisks, t => t.Trim().Length > 0 && t.EnumerateRunes().Count() <= MaxDiskId && !t.Any(char.IsControl), $"Give at most {MaxDisks} disk ids of the descriptor's DiskSection."),
            element.GetRawText());
        Health(root);
        return errors.Count > 0 ? Problem.Invalid(errors) : manifest;
    }

    private static PluginUi? Ui(Members root) => root.Object("ui") is { } ui ? new PluginUi(Scheme(ui, "http"), Port(ui, null), Path(ui, "/")) : null;

    private static int Port(Members of, int? otherwise) => of.Number("port", 1, 65535, otherwise);

    private static string Scheme(Members of, string otherwise) =>
        of.Text("scheme", 5, false, t => t is "http" or "https", "Give http or https.") is { Length: > 0 } scheme ? scheme : otherwise;

    private static string Path(Members of, string? otherwise) =>
        of.Text("path", MaxPath, otherwise is null, PathPattern().IsMatch, PathForm) is { Length: > 0 } path ? path : otherwise ?? "/";

    private static string Title(Members of) => of.Text("title", MaxTitle, true);

    private static PluginContributions Contributes(Members root)
    {
        if (root.Object("contributes") is not { } all) return PluginContributions.None;
        if (!root.Has("ui")) root.Wrong("contributes", "It needs pages to show, and there is no member ui.", """Add "ui": {"port": …}, or leave contributes out.""");
        return new PluginContributions(
            all.List("menu", MaxEntries, m => new MenuEntry(Title(m), Path(m, null), m.Text("icon", 32, false, IconPattern().IsMatch, "Give the name of an icon, such as search.") is { Length: > 0 } icon ? icon : null)),
            all.List("tabs", MaxEntries, t => new ObjectTab(t.Text("object", 4, true, o => o is "vm" or "host", "Give vm or host."), Title(t), Path(t, null))),
            all.List("cards", MaxCards, c => new OverviewCard(Title(c), Path(c, null), c.Number("heightPx", 80, 600, 200))));
    }

    private static PluginWebhook? Webhook(Members root, PluginUi? ui)
    {
        if (root.Object("webhooks") is not { } hook) return null;
        return new PluginWebhook(
            Port(hook, ui?.Port), Scheme(hook, ui?.Scheme ?? "http"), Path(hook, null), hook.Texts("events", 1, MaxNames, NamePattern().IsMatch, $"Give 1 to {MaxNames} names of events such as vm.started."));
    }

    /// <summary>Informative: only its form is checked.</summary>
    private static void Health(Members root)
    {
        if (root.Object("health") is not { } health) return;
        Port(health, null);
        Scheme(health, "http");
        Path(health, "/");
    }
}
