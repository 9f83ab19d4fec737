using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Quarterdeck.Workers.Registry;

/// <summary>The digest of a version: over everything that decides what runs, without the values of secrets, which would be guessable from it.</summary>
internal static class CodeDigest
{
    public static string Of(WorkerCode code) => Of(
        code.MainModule, code.CompatibilityDate, code.CompatibilityFlags, code.Modules.Select(m => (m.Name, m.Kind, Of(m.Content.Span))), code.Bindings);

    public static string Of(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary>Each field goes in with its length, so that no two different versions make one text.</summary>
    public static string Of(string main, string date, IEnumerable<string> flags, IEnumerable<(string Name, ModuleKind Kind, string Digest)> modules, IEnumerable<WorkerBinding> bindings)
    {
        var text = new StringBuilder();
        void Add(string field) => text.Append(CultureInfo.InvariantCulture, $"{field.Length}:{field}\n");
        Add("quarterdeck worker 1");
        Add(main);
        Add(date);
        foreach (var flag in flags.Order(StringComparer.Ordinal)) Add("flag " + flag);
        foreach (var (name, kind, digest) in modules.OrderBy(m => m.Name, StringComparer.Ordinal)) Add($"module {kind} {digest} {name}");
        foreach (var binding in bindings.OrderBy(b => b.Name, StringComparer.Ordinal))
            Add($"binding {binding.Kind} {binding.Name} {(binding.Kind is BindingKind.Secret ? "" : JsonSerializer.Serialize(binding.Value))}");
        return Of(Encoding.UTF8.GetBytes(text.ToString()));
    }
}
