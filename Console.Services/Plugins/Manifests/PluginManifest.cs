using System.Security.Cryptography;
using System.Text.Json;
using Quarterdeck.Platform;

namespace Quarterdeck.Plugins.Manifests;

/// <summary>What a plug-in says about itself in <c>quarterdeck-plugin.json</c> (schema 1, see docs/plugin-protocol.md).</summary>
/// <param name="Key">Stable over versions.</param>
/// <param name="Name">For people.</param>
/// <param name="Vendor">Who made it.</param>
/// <param name="Version">MAJOR.MINOR.PATCH.</param>
/// <param name="Description">Empty when it gives none.</param>
/// <param name="Console">Versions of the console that it works with; null for any.</param>
/// <param name="Capabilities">Permission keys it asks for, each once; they need not exist here.</param>
/// <param name="Ui">Its pages; null when it has none.</param>
/// <param name="Contributes">What it adds to the console's pages.</param>
/// <param name="Webhook">Where it is told of events; null for none.</param>
/// <param name="DataDisks">OVF disk ids to keep over an upgrade.</param>
/// <param name="Json">Its text.</param>
internal sealed record PluginManifest(
    string Key, string Name, string Vendor, string Version, string Description, string? Console, IReadOnlyList<string> Capabilities, PluginUi? Ui,
    PluginContributions Contributes, PluginWebhook? Webhook, IReadOnlyList<string> DataDisks, string Json)
{
    public const string FileName = "quarterdeck-plugin.json";

    /// <summary>Largest size of the file in bytes.</summary>
    public const int MaxBytes = 64 << 10;

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
        using (document)
            return document.RootElement.ValueKind is JsonValueKind.Object ? ManifestReader.Read(document.RootElement, at)
                : Problem.Invalid(at, "The manifest is not an object.", "See docs/plugin-protocol.md for its form.");
    }
}
