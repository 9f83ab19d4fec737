using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using Quarterdeck.Platform;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>A binding while it is typed.</summary>
internal sealed class BindingDraft
{
    /// <summary>Kinds to choose from.</summary>
    public static readonly IReadOnlyList<(string, string)> Kinds =
    [
        .. new[] { BindingKind.Plain, BindingKind.Secret, BindingKind.Json, BindingKind.Kv, BindingKind.Service, BindingKind.DurableObject, BindingKind.Queue, BindingKind.Bucket, BindingKind.VersionMetadata }
            .Select(kind => (kind.ToString(), WorkerWords.Binding(kind))),
    ];

    /// <summary>Name in <c>env</c>.</summary>
    public string Name { get; set; } = "";

    /// <summary>What it stands for.</summary>
    public BindingKind Kind { get; set; }

    /// <summary>The one thing that its kind takes, as text.</summary>
    public string Value { get; set; } = "";

    /// <summary>What <see cref="Value"/> is called; null when the kind takes nothing.</summary>
    public string? Asks => Kind switch
    {
        BindingKind.Plain => "Text",
        BindingKind.Secret => "Secret",
        BindingKind.Json => "JSON",
        BindingKind.Kv => "Namespace",
        BindingKind.Service => "Worker",
        BindingKind.DurableObject => "Class",
        BindingKind.Queue => "Queue",
        BindingKind.Bucket => "Bucket",
        _ => null,
    };

    /// <summary>Its draft; a secret's value is empty.</summary>
    public static BindingDraft Of(WorkerBinding binding) => new()
    {
        Name = binding.Name, Kind = binding.Kind,
        Value = binding.Kind switch
        {
            BindingKind.Secret => "",
            BindingKind.Json => binding.Value.GetRawText(),
            _ when binding.Value.ValueKind is JsonValueKind.String => binding.Value.GetString()!,
            _ => Member(binding.Kind) is { } member && binding.Value.ValueKind is JsonValueKind.Object && binding.Value.TryGetProperty(member, out var value) ? value.ToString() : "",
        },
    };

    /// <summary>A stored binding as REST takes it; a secret without value keeps that of the newest version.</summary>
    public static JsonElement Kept(WorkerBinding binding)
    {
        var shape = binding.Value.ValueKind is JsonValueKind.Object && Member(binding.Kind) is not null ? JsonNode.Parse(binding.Value.GetRawText())!.AsObject() : [];
        shape["type"] = Type(binding.Kind);
        if (binding.Kind is BindingKind.Plain) shape["value"] = binding.Value.GetString();
        if (binding.Kind is BindingKind.Json) shape["value"] = JsonNode.Parse(binding.Value.GetRawText());
        return JsonSerializer.SerializeToElement(shape);
    }

    /// <summary>As REST takes it, or what is wrong.</summary>
    public bool TryRead(out JsonElement value, [NotNullWhen(false)] out Problem? problem)
    {
        (value, problem) = (default, null);
        if (Name.Length == 0) problem = Problem.Invalid("name", "A binding needs a name.", "Take a JavaScript identifier, such as API_KEY.");
        else if (Asks is { } asks && Kind is not BindingKind.Plain && Value.Length == 0) problem = Problem.Invalid("value", $"{asks} is missing.", "Fill it in.");
        if (problem is not null) return false;
        var shape = new JsonObject { ["type"] = Type(Kind) };
        try
        {
            if (Kind is BindingKind.Json) shape["value"] = JsonNode.Parse(Value);
            else if (Member(Kind) is { } member) shape[member] = Value.Trim();
            else if (Asks is not null) shape["value"] = Value;
        }
        catch (JsonException e)
        {
            problem = Problem.Invalid("value", $"That is no JSON: {e.Message}", "Strings go in double quotes.");
            return false;
        }
        value = JsonSerializer.SerializeToElement(shape);
        return true;
    }

    private static string Type(BindingKind kind) => JsonNamingPolicy.CamelCase.ConvertName(kind.ToString());

    private static string? Member(BindingKind kind) => kind switch
    {
        BindingKind.Kv => "namespace",
        BindingKind.Service => "worker",
        BindingKind.DurableObject => "class",
        BindingKind.Queue => "queue",
        BindingKind.Bucket => "bucket",
        _ => null,
    };
}
