using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Quarterdeck.Platform;

namespace Quarterdeck.Plugins.Manifests;

/// <summary>What a plug-in says about itself in <c>quarterdeck-plugin.json</c> (schema 1, see docs/plugin-protocol.md).</summary>
internal sealed partial record PluginManifest(
    string Key, string Name, string Vendor, string Version, string Description, string? Console, IReadOnlyList<string> Capabilities, PluginUi? Ui, string Json)
{
    public const string FileName = "quarterdeck-plugin.json";
    private const int MaxBytes = 64 << 10, MaxCapabilities = 32;

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?\z")]
    private static partial Regex KeyPattern();

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?\z")]
    private static partial Regex CapabilityPattern();

    /// <summary>What the enrolment token is bound to: lower-case hex SHA-256 of the file's bytes.</summary>
    public static string Digest(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Reads a manifest; a refusal names every wrong member.</summary>
    /// <param name="bytes">UTF-8 JSON.</param>
    /// <param name="at">Where it stands, for the names of fields: the file's name or <c>manifest</c>.</param>
    public static Result<PluginManifest> Parse(ReadOnlyMemory<byte> bytes, string at)
    {
        if (bytes.Length > MaxBytes) return Problem.Invalid(at, $"The manifest has {bytes.Length} bytes.", $"At most {MaxBytes} are allowed.");
        JsonDocument document;
        try { document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false }); }
        catch (JsonException e) { return Problem.Invalid(at, $"The manifest is not JSON (line {(e.LineNumber ?? 0) + 1}).", "See docs/plugin-protocol.md for its form."); }
        using (document) return new Reader(at).Read(document.RootElement);
    }

    /// <summary>Collects what is wrong while it reads.</summary>
    private sealed class Reader(string at)
    {
        private readonly List<FieldError> _errors = [];

        public Result<PluginManifest> Read(JsonElement root)
        {
            if (root.ValueKind is not JsonValueKind.Object) return Problem.Invalid(at, "The manifest is not an object.", "See docs/plugin-protocol.md for its form.");
            if (!(root.TryGetProperty("schema", out var schema) && schema.ValueKind is JsonValueKind.Number && schema.TryGetInt32(out var number) && number == 1)) Wrong("schema", "This console knows schema 1 only.", "Set it to 1, or use a newer console.");
            var manifest = new PluginManifest(
                Text(root, "key", 64, required: true, KeyPattern().IsMatch, "Use lower-case letters, digits, dots and dashes, such as org.example.netscan."),
                Text(root, "name", 80, required: true), Text(root, "vendor", 80, required: true),
                Text(root, "version", 40, required: true, t => SemanticVersion.TryParse(t, out _), "Use MAJOR.MINOR.PATCH, such as 1.2.0."),
                Text(root, "description", 400, required: false),
                Text(root, "console", 100, required: false, t => VersionRange.TryParse(t, out _), "Use comparisons joined by blanks, such as >=0.1.0 <1.0.0.") is { Length: > 0 } range ? range : null,
                Capabilities(root), Ui(root), root.GetRawText());
            return _errors.Count > 0 ? Problem.Invalid(_errors) : manifest;
        }

        private void Wrong(string member, string message, string remedy) => _errors.Add(new FieldError($"{at}.{member}", message, remedy));

        private string Text(JsonElement parent, string member, int most, bool required, Func<string, bool>? fits = null, string? form = null)
        {
            if (!parent.TryGetProperty(member, out var value) || value.ValueKind is JsonValueKind.Null)
            {
                if (required) Wrong(member, "It is missing.", form ?? $"Give 1 to {most} characters.");
                return "";
            }
            var text = value.ValueKind is JsonValueKind.String ? value.GetString()! : "";
            if (text.Trim().Length == 0 || text.Length > most || text.Any(char.IsControl) || (fits is not null && !fits(text)))
                Wrong(member, "It is no text of the right form.", form ?? $"Give 1 to {most} characters without control characters.");
            return text;
        }

        private List<string> Capabilities(JsonElement root)
        {
            if (!root.TryGetProperty("capabilities", out var list) || list.ValueKind is JsonValueKind.Null) return [];
            if (list.ValueKind is JsonValueKind.Array && list.GetArrayLength() <= MaxCapabilities && list.EnumerateArray().All(c => c.ValueKind is JsonValueKind.String && CapabilityPattern().IsMatch(c.GetString()!)))
                return [.. list.EnumerateArray().Select(c => c.GetString()!).Distinct()];
            Wrong("capabilities", "It is no list of permissions.", $"Give at most {MaxCapabilities} names such as vms.read.");
            return [];
        }

        private PluginUi? Ui(JsonElement root)
        {
            if (!root.TryGetProperty("ui", out var ui) || ui.ValueKind is JsonValueKind.Null) return null;
            var port = 0;
            var fits = ui.ValueKind is JsonValueKind.Object && ui.TryGetProperty("port", out var p) && p.ValueKind is JsonValueKind.Number && p.TryGetInt32(out port) && port is > 0 and < 65536;
            string Member(string name, string otherwise) => fits && ui.TryGetProperty(name, out var value) ? value.ValueKind is JsonValueKind.String ? value.GetString()! : "" : otherwise;
            var (scheme, path) = (Member("scheme", "http"), Member("path", "/"));
            if (fits && scheme is "http" or "https" && path.StartsWith('/') && path.Length <= 400 && !path.Any(char.IsControl)) return new PluginUi(scheme, port, path);
            Wrong("ui", "It is not usable.", """Give {"port": 1 to 65535, "scheme": "http" or "https", "path": "/…"}.""");
            return null;
        }
    }
}
