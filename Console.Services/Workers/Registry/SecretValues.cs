using System.Text.Json;
using Quarterdeck.Secrets;

namespace Quarterdeck.Workers.Registry;

/// <summary>The values of secret bindings: encrypted in the database, shown nowhere, open only in code that is loaded.</summary>
internal sealed class SecretValues(SecretBox box)
{
    private const string Purpose = "workers.secrets";
    private static readonly JsonElement Nothing = JsonSerializer.SerializeToElement<object?>(null);

    /// <summary>What is stored beside the bindings; null when none is secret.</summary>
    public string? Seal(IEnumerable<WorkerBinding> bindings)
    {
        var values = bindings.Where(b => b.Kind is BindingKind.Secret).ToDictionary(b => b.Name, b => b.Value.GetString()!);
        return values.Count == 0 ? null : box.Protect(Purpose, JsonSerializer.Serialize(values));
    }

    /// <summary>The values by binding.</summary>
    /// <exception cref="SecretUnreadableException">They cannot be decrypted.</exception>
    public IReadOnlyDictionary<string, string> Open(string? stored) =>
        stored is null ? new Dictionary<string, string>() : JsonSerializer.Deserialize<Dictionary<string, string>>(box.Unprotect(Purpose, stored))!;

    /// <summary>Bindings as they may be shown and stored in the open.</summary>
    public static IReadOnlyList<WorkerBinding> Hide(IEnumerable<WorkerBinding> bindings) => [.. bindings.Select(b => b.Kind is BindingKind.Secret ? b with { Value = Nothing } : b)];

    /// <summary>Bindings with their secrets' values.</summary>
    public static IReadOnlyList<WorkerBinding> Fill(IEnumerable<WorkerBinding> bindings, IReadOnlyDictionary<string, string> values) =>
        [.. bindings.Select(b => b.Kind is BindingKind.Secret && values.TryGetValue(b.Name, out var value) ? b with { Value = JsonSerializer.SerializeToElement(value) } : b)];
}
