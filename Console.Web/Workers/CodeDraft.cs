using System.Text;
using System.Text.Json;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>A module while it is edited: text, or bytes that are kept as they are.</summary>
public sealed class CodeFile(string name, string? text, ReadOnlyMemory<byte> bytes = default)
{
    /// <summary>Path by which others import it.</summary>
    public string Name { get; } = name;

    /// <summary>Its text; null for bytes.</summary>
    public string? Text { get; set; } = text;

    /// <summary>What is sent.</summary>
    public ReadOnlyMemory<byte> Content => Text is { } written ? Encoding.UTF8.GetBytes(written) : bytes;
}

/// <summary>The code of a worker while it is edited.</summary>
public sealed class CodeDraft
{
    /// <summary>The modules, the main one first.</summary>
    public List<CodeFile> Files { get; init; } = [];

    /// <summary>Name of the main module.</summary>
    public string Main { get; set; } = "index.js";

    /// <summary>Name of the module that is shown.</summary>
    public string Chosen { get; set; } = "index.js";

    /// <summary>The version that it began from; null for new code.</summary>
    public WorkerVersion? From { get; set; }

    /// <summary>What the editor is told of <c>env</c>.</summary>
    public string Env { get; init; } = "";

    /// <summary>Whether something was typed that is not deployed.</summary>
    public bool Changed { get; set; }

    /// <summary>A version's modules.</summary>
    public static CodeDraft Of(WorkerVersion version, IReadOnlyList<WorkerModule> modules) => new()
    {
        From = version, Main = version.MainModule, Chosen = version.MainModule, Env = EnvTypes.Of(version.Bindings.Select(b => KeyValuePair.Create(b.Name, BindingDraft.Kept(b))), version.MainModule),
        Files = [.. modules.OrderBy(m => m.Name != version.MainModule).ThenBy(m => m.Name, StringComparer.Ordinal)
            .Select(m => new CodeFile(m.Name, m.Kind is ModuleKind.Wasm or ModuleKind.Data ? null : Encoding.UTF8.GetString(m.Content.Span), m.Content))],
    };

    /// <summary>A starter's files.</summary>
    public static CodeDraft Of(Starter starter) => new()
    {
        Main = starter.Files[0].Name, Chosen = starter.Files[0].Name, Files = [.. starter.Files.Select(f => new CodeFile(f.Name, f.Text))], Env = EnvTypes.Of(starter.Bindings ?? new Dictionary<string, JsonElement>(), starter.Files[0].Name),
    };

    /// <summary>Why a module cannot have a name; null when it can.</summary>
    public string? WrongName(string name) =>
        name.Length is 0 or > 200 || name.StartsWith('/') || name.Split('/').Any(part => part is "" or "." or "..") || name.Any(c => char.IsControl(c) || c is '\\' or '"' or '?' or '#' or '%') ? "A module's name is a relative path, such as lib/answer.js."
        : Files.Any(f => f.Name == name) ? $"There is a module '{name}' already."
        : null;

    /// <summary>The texts as JSON, to survive a reload.</summary>
    public string ToJson() => JsonSerializer.Serialize(new Kept(Main, From?.Version, Files.Where(f => f.Text is not null).ToDictionary(f => f.Name, f => f.Text!)));

    /// <summary>Takes texts that <see cref="ToJson"/> wrote; false when they are none, or began from another version.</summary>
    public bool Take(string json)
    {
        Kept? kept;
        try { kept = JsonSerializer.Deserialize<Kept>(json); }
        catch (JsonException) { return false; }
        if (kept is not { Files.Count: > 0 } || kept.From != From?.Version || !kept.Files.ContainsKey(kept.Main)) return false;
        Files.RemoveAll(f => f.Text is not null);
        Files.InsertRange(0, kept.Files.OrderBy(f => f.Key != kept.Main).Select(f => new CodeFile(f.Key, f.Value)));
        (Main, Chosen, Changed) = (kept.Main, kept.Main, true);
        return true;
    }

    private sealed record Kept(string Main, int? From, Dictionary<string, string> Files);
}
