using System.Text.Json;
using System.Text.RegularExpressions;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Bindings.Buckets;
using Quarterdeck.Workers.Objects;

namespace Quarterdeck.Workers.Registry;

/// <summary>Reads bindings as they are sent: a string, or an object with <c>type</c>. Names of other platforms' descriptions are understood, too.</summary>
internal sealed partial class BindingReader(WorkerStore workers, ObjectStore objects, BucketStore buckets)
{
    private const int Most = 128, MostCharacters = 64 << 10;

    private static readonly Dictionary<string, BindingKind> Types = new(StringComparer.OrdinalIgnoreCase)
    {
        ["plain"] = BindingKind.Plain, ["plain_text"] = BindingKind.Plain, ["text"] = BindingKind.Plain, ["secret"] = BindingKind.Secret, ["secret_text"] = BindingKind.Secret, ["json"] = BindingKind.Json,
        ["kv"] = BindingKind.Kv, ["kv_namespace"] = BindingKind.Kv, ["service"] = BindingKind.Service, ["durableobject"] = BindingKind.DurableObject, ["durable_object"] = BindingKind.DurableObject,
        ["durable_object_namespace"] = BindingKind.DurableObject, ["queue"] = BindingKind.Queue, ["bucket"] = BindingKind.Bucket, ["r2_bucket"] = BindingKind.Bucket, ["assets"] = BindingKind.Assets,
        ["versionmetadata"] = BindingKind.VersionMetadata, ["version_metadata"] = BindingKind.VersionMetadata,
    };

    // What a kind takes: the name it is kept under, other names for it, and whether it must be there.
    private static readonly Dictionary<BindingKind, (string Name, string[] Also, bool Needed)[]> Parts = new()
    {
        [BindingKind.Kv] = [("namespace", ["namespace_id", "id"], true)],
        [BindingKind.Service] = [("worker", ["service"], true), ("entrypoint", [], false)],
        [BindingKind.DurableObject] = [("class", ["class_name"], true), ("worker", ["script_name", "script"], false)],
        [BindingKind.Queue] = [("queue", ["queue_name"], true)],
        [BindingKind.Bucket] = [("bucket", ["bucket_name"], true)],
        [BindingKind.Assets] = [],
        [BindingKind.VersionMetadata] = [],
    };

    [GeneratedRegex("^[A-Za-z_$][A-Za-z0-9_$]{0,63}$")]
    private static partial Regex Identifier();

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    private static partial Regex ObjectName();

    /// <summary>What names of queues, buckets and namespaces are like.</summary>
    public const string NameRule = "Use 1 to 63 letters, digits, '.', '_' and '-', beginning with a letter or digit.";

    /// <summary>Whether a queue, bucket or namespace may be called so.</summary>
    public static bool IsName(string? name) => name is not null && ObjectName().IsMatch(name);

    /// <summary>The bindings, with the values of secrets; what is wrong goes into <paramref name="errors"/>.</summary>
    /// <param name="sent">By name; null for none.</param>
    /// <param name="self">The worker, which may name itself.</param>
    /// <param name="kept">Values of the newest version's secrets, for those that come without one.</param>
    /// <param name="errors">Takes what is wrong.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<IReadOnlyList<WorkerBinding>> ReadAsync(
        IReadOnlyDictionary<string, JsonElement>? sent, string self, IReadOnlyDictionary<string, string> kept, List<FieldError> errors, CancellationToken cancellation)
    {
        if (sent is null) return [];
        if (sent.Count > Most) errors.Add(new("bindings", $"There are {sent.Count}.", $"Send at most {Most}; a JSON binding holds many values."));
        var found = new List<WorkerBinding>();
        foreach (var (name, value) in sent)
        {
            var field = $"bindings.{name}";
            if (!Identifier().IsMatch(name) || name is "__proto__") errors.Add(new(field, "The name is no JavaScript identifier of at most 64 characters.", "Use letters, digits, _ and $, such as API_URL."));
            else if (value.GetRawText().Length > MostCharacters) errors.Add(new(field, $"It has more than {MostCharacters >> 10} KiB.", "Put large values into a module or a key-value namespace."));
            else if (Read(name, value, field, kept, errors) is { } binding) found.Add(binding);
        }
        var services = found.Where(b => b.Kind is BindingKind.Service).Select(b => (b.Name, Worker: b.Value.GetProperty("worker").GetString()!)).Where(s => s.Worker != self).ToList();
        var known = await workers.SerialsAsync([.. services.Select(s => s.Worker).Distinct()], cancellation);
        foreach (var (name, worker) in services.Where(s => !known.ContainsKey(s.Worker)))
            errors.Add(new($"bindings.{name}.worker", $"There is no worker '{worker}'.", "Deploy that worker first, or correct the name."));
        for (var i = 0; i < found.Count; i++)
            // Its own name is the same as none: so the class can be told from those of others.
            if (found[i].Kind is BindingKind.DurableObject && ObjectClass.OwnerOf(found[i]) == self) found[i] = found[i] with { Value = JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["class"] = ObjectClass.NameOf(found[i]) }) };
        var others = found.Where(b => b.Kind is BindingKind.DurableObject && !ObjectClass.IsOwn(b)).ToList();
        var keys = others.Count == 0 ? null : await objects.KeysAsync([.. others.Select(b => ObjectClass.OwnerOf(b)!).Distinct()], cancellation);
        foreach (var other in others.Where(b => !keys!.ContainsKey((ObjectClass.OwnerOf(b)!, ObjectClass.NameOf(b)))))
            errors.Add(new($"bindings.{other.Name}.class", $"The worker '{ObjectClass.OwnerOf(other)}' has no durable objects of the class '{ObjectClass.NameOf(other)}'.", "Deploy that worker first, with a binding or a migration that names the class."));
        var named = found.Where(b => b.Kind is BindingKind.Bucket).Select(b => (b.Name, Bucket: b.Value.GetProperty("bucket").GetString()!)).ToList();
        var made = await buckets.KnownAsync([.. named.Select(b => b.Bucket).Distinct()], cancellation);
        foreach (var (name, bucket) in named.Where(b => !made.Contains(b.Bucket)))
            errors.Add(new($"bindings.{name}.bucket", $"There is no bucket '{bucket}'.", $"Make it on the page Buckets or by PUT /buckets/{bucket}, or correct the name."));
        return found;
    }

    private static WorkerBinding? Read(string name, JsonElement value, string field, IReadOnlyDictionary<string, string> kept, List<FieldError> errors)
    {
        if (value.ValueKind is JsonValueKind.String) return new WorkerBinding(name, BindingKind.Plain, value.Clone());
        if (value.ValueKind is not JsonValueKind.Object) return value.ValueKind is JsonValueKind.Null ? Wrong("It is null.", "Send a text or an object with a type.") : new WorkerBinding(name, BindingKind.Json, value.Clone());
        var parts = value.EnumerateObject().ToDictionary(p => p.Name, p => p.Value, StringComparer.OrdinalIgnoreCase);
        if (!parts.Remove("type", out var type) && !parts.Remove("kind", out type))
            return Wrong("It is an object without a type.", $"Add \"type\": one of {Known}. For a JSON value: {{\"type\":\"json\",\"value\":…}}.");
        if (type.ValueKind is not JsonValueKind.String || !Types.TryGetValue(type.GetString()!, out var kind)) return Wrong($"There is no type {type.GetRawText()}.", $"Use one of {Known}.", ".type");
        parts.Remove("name");
        return kind is BindingKind.Plain or BindingKind.Secret or BindingKind.Json ? Simple(kind) : Composed(kind);

        WorkerBinding? Simple(BindingKind simple)
        {
            if (!parts.Remove("value", out var content) && !parts.Remove(simple is BindingKind.Json ? "json" : "text", out content)) content = default;
            if (parts.Count > 0) return Wrong($"There is no such field for the type {simple.ToString().ToLowerInvariant()}.", "Send type and value only.", "." + parts.Keys.First());
            if (simple is BindingKind.Secret && content.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
                return kept.TryGetValue(name, out var old) ? new WorkerBinding(name, simple, JsonSerializer.SerializeToElement(old)) : Wrong("The secret has no value, and the newest version has none of that name to keep.", "Send its value.", ".value");
            if (content.ValueKind is JsonValueKind.Undefined) return Wrong("The value is missing.", "Send \"value\".", ".value");
            if (simple is not BindingKind.Json && content.ValueKind is not JsonValueKind.String) return Wrong("The value is no text.", "Send a text, or use the type json.", ".value");
            return new WorkerBinding(name, simple, content.Clone());
        }

        WorkerBinding? Composed(BindingKind composed)
        {
            // Also as versions are shown: the parts inside "value".
            if (parts.TryGetValue("value", out var inner) && inner.ValueKind is JsonValueKind.Object && parts.Count == 1) parts = inner.EnumerateObject().ToDictionary(p => p.Name, p => p.Value, StringComparer.OrdinalIgnoreCase);
            var whole = new Dictionary<string, string>();
            foreach (var (part, also, needed) in Parts[composed])
            {
                var spelled = (string[])[part, .. also];
                var given = spelled.FirstOrDefault(parts.ContainsKey);
                if (given is null && !needed) continue;
                if (given is null) return Wrong("It is missing.", $"Send \"{part}\".", "." + part);
                parts.Remove(given, out var text);
                if (text.ValueKind is JsonValueKind.Null && !needed) continue;
                if (text.ValueKind is not JsonValueKind.String || !ObjectName().IsMatch(text.GetString()!)) return Wrong("It is no name.", NameRule, "." + part);
                whole[part] = text.GetString()!;
            }
            return parts.Count > 0 ? Wrong($"There is no such field for the type {composed.ToString().ToLowerInvariant()}.", $"It takes {string.Join(", ", Parts[composed].Select(p => p.Name))}.", "." + parts.Keys.First())
                : new WorkerBinding(name, composed, JsonSerializer.SerializeToElement(whole));
        }

        WorkerBinding? Wrong(string message, string remedy, string at = "")
        {
            errors.Add(new(field + at, message, remedy));
            return null;
        }
    }

    private static string Known => string.Join(", ", Enum.GetNames<BindingKind>().Select(n => n.ToLowerInvariant()));
}
