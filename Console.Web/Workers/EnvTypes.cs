using System.Text;
using System.Text.Json;

namespace Quarterdeck.Web.Workers;

/// <summary>What the editor is told of a worker's <c>env</c>: the global type <c>Env</c>, in the words of the Workers types.</summary>
internal static class EnvTypes
{
    /// <summary>The declaration.</summary>
    /// <param name="bindings">Bindings as REST has them.</param>
    /// <param name="main">Name of the main module, which exports the worker's own classes.</param>
    public static string Of(IEnumerable<KeyValuePair<string, JsonElement>> bindings, string main)
    {
        var members = new StringBuilder();
        foreach (var (name, value) in bindings) members.Append(name).Append(": ").Append(Type(value, main)).Append("; ");
        return $$"""
            declare namespace Cloudflare { interface Env { {{members}}} }
            interface Env extends Cloudflare.Env {}
            """;
    }

    private static string Type(JsonElement value, string main)
    {
        if (value.ValueKind is JsonValueKind.String) return "string";
        string? Member(string name) => value.ValueKind is JsonValueKind.Object && value.TryGetProperty(name, out var member) && member.ValueKind is JsonValueKind.String ? member.GetString() : null;
        return Member("type")?.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant() switch
        {
            "plain" or "plaintext" or "secret" or "secrettext" => "string",
            "kv" or "kvnamespace" => "KVNamespace",
            "queue" => "Queue",
            "bucket" or "r2bucket" => "R2Bucket",
            "service" or "assets" => "Fetcher",
            "versionmetadata" => "WorkerVersionMetadata",
            // A class of another worker is not known here.
            "durableobject" when Member("worker") is null && Member("class") is { } own => $"DurableObjectNamespace<import(\"./{Path.ChangeExtension(main, null)}\").{own}>",
            "durableobject" => "DurableObjectNamespace",
            _ => "any",
        };
    }
}
