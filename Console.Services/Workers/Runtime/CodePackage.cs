using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Quarterdeck.Workers.Runtime;

/// <summary>A version's code as load.js reads it: four bytes with the head's length, little-endian; the head, JSON; the modules' bytes one after the other.</summary>
/// <param name="Key">Which version.</param>
/// <param name="Limits">As they were asked for.</param>
/// <param name="Egress">Where its subrequests may go; null for every public address.</param>
/// <param name="Plain">The package for requests that nobody watches.</param>
/// <param name="Watched">The same, and its events are sent to the host.</param>
internal sealed record CodePackage(WorkerKey Key, WorkerLimits Limits, IReadOnlyList<string>? Egress, byte[] Plain, Lazy<byte[]> Watched)
{
    /// <summary>Keys of the namespaces of durable objects that it may call.</summary>
    public IReadOnlySet<string> Namespaces { get; private init; } = new HashSet<string>();

    /// <summary>Whether its code, or what it may pass a request on to, can ask for <c>request.cf</c>. Each request that has it costs a tenth more, so where nobody asks it is left out.</summary>
    public bool ReadsFacts { get; private init; }

    public static CodePackage Of(WorkerCode code) =>
        new(code.Key, code.Limits, code.Egress, Pack(code, watched: false), new Lazy<byte[]>(() => Pack(code, watched: true)))
        {
            Namespaces = code.Bindings.Where(b => b.Kind is BindingKind.DurableObject).Select(b => ObjectClass.KeyOf(code, b)).ToHashSet(),
            ReadsFacts = code.Bindings.Any(b => b.Kind is BindingKind.Service or BindingKind.DurableObject) || code.Modules.Any(m => m.Kind is ModuleKind.EsModule or ModuleKind.CommonJs && NamesFacts(m.Content.Span)),
        };

    // The word itself, as in request.cf, { cf } and ["cf"]; not a part of another, as in cfg or a digest.
    private static bool NamesFacts(ReadOnlySpan<byte> code)
    {
        for (int at = 0, next; (next = code[at..].IndexOf("cf"u8)) >= 0; at += next + 2)
        {
            var (before, after) = (at + next - 1, at + next + 2);
            if ((before < 0 || !IsWord(code[before])) && (after == code.Length || !IsWord(code[after]))) return true;
        }
        return false;
    }

    private static bool IsWord(byte letter) => char.IsAsciiLetterOrDigit((char)letter) || letter is (byte)'_' or (byte)'$' or >= 0x80;

    private static byte[] Pack(WorkerCode code, bool watched)
    {
        var head = JsonSerializer.SerializeToUtf8Bytes(new JsonObject
        {
            ["key"] = code.Key.ToString(),
            ["main"] = code.MainModule,
            ["date"] = code.CompatibilityDate,
            ["flags"] = new JsonArray([.. code.CompatibilityFlags.Select(f => (JsonNode)f)]),
            ["modules"] = new JsonArray([.. code.Modules.Select(m => (JsonNode)new JsonObject { ["name"] = m.Name, ["kind"] = KindOf(m.Kind), ["size"] = m.Content.Length })]),
            ["env"] = new JsonObject(code.Bindings.Where(b => IsPlain(b.Kind)).Select(b => KeyValuePair.Create(b.Name, Node(code, b)))),
            ["bindings"] = new JsonArray([.. code.Bindings.Where(b => !IsPlain(b.Kind)).Select(b => (JsonNode)new JsonObject
            {
                ["name"] = b.Name, ["kind"] = JsonNamingPolicy.CamelCase.ConvertName(b.Kind.ToString()), ["value"] = b.Kind is BindingKind.DurableObject ? new JsonObject { ["key"] = ObjectClass.KeyOf(code, b) } : JsonNode.Parse(b.Value.GetRawText()),
            })]),
            ["classes"] = new JsonObject(ObjectClass.Of(code).Select(c => KeyValuePair.Create(c.Key, (JsonNode?)new JsonObject { ["name"] = c.Name, ["bound"] = c.Bound }))),
            ["caches"] = code.Modules.Any(m => m.Kind is ModuleKind.EsModule or ModuleKind.CommonJs && m.Content.Span.IndexOf("caches"u8) >= 0),
            ["subrequests"] = code.Limits.Subrequests,
            ["concurrent"] = code.Limits.ConcurrentSubrequests,
            ["tail"] = watched,
        });
        var package = new byte[4 + head.Length + code.Modules.Sum(m => m.Content.Length)];
        BinaryPrimitives.WriteInt32LittleEndian(package, head.Length);
        head.CopyTo(package, 4);
        var at = 4 + head.Length;
        foreach (var module in code.Modules)
        {
            module.Content.Span.CopyTo(package.AsSpan(at));
            at += module.Content.Length;
        }
        return package;
    }

    private static bool IsPlain(BindingKind kind) => kind is BindingKind.Plain or BindingKind.Secret or BindingKind.Json or BindingKind.VersionMetadata;

    private static JsonNode? Node(WorkerCode code, WorkerBinding binding) => binding.Kind is BindingKind.VersionMetadata
        ? new JsonObject { ["id"] = code.Digest, ["tag"] = code.Key.Version.ToString(System.Globalization.CultureInfo.InvariantCulture), ["timestamp"] = "" }
        : JsonNode.Parse(binding.Value.GetRawText());

    private static string KindOf(ModuleKind kind) => kind switch
    {
        ModuleKind.EsModule => "js", ModuleKind.CommonJs => "cjs", ModuleKind.Wasm => "wasm", ModuleKind.Text => "text", ModuleKind.Json => "json", _ => "data",
    };
}
