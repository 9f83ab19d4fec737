using System.Text.Json;
using System.Text.Json.Nodes;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Projects;

/// <summary>What a settings file asks for, in this console's terms.</summary>
internal sealed record WranglerPlan
{
    public string? Name { get; init; }

    public string? Main { get; init; }

    public required WorkerMetadata Metadata { get; init; }

    /// <summary>Folder of static files, relative to the settings file; null for none.</summary>
    public string? AssetFolder { get; init; }

    /// <summary>Host name and path pattern.</summary>
    public required IReadOnlyList<(string Hostname, string Pattern)> Routes { get; init; }

    /// <summary>Whether the modules are sent as they are.</summary>
    public bool NoBundle { get; init; }

    public required BundleOrder Order { get; init; }

    /// <summary>Keys that mean nothing here, by name.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}

/// <summary>Reads the keys of a settings file; every key is taken, or reported by its name.</summary>
internal sealed class WranglerReading(WranglerFile file)
{
    // What says something about tools and accounts that a console has no use for, and changes nothing about how the worker runs.
    private static readonly HashSet<string> Harmless = ["$schema", "account_id", "env", "send_metrics", "workers_dev", "preview_urls", "compatibility_flags", "keep_vars", "dev"];

    private readonly string _file = Path.GetFileName(file.Path);
    private readonly List<FieldError> _errors = [];
    private readonly List<string> _warnings = [];
    private readonly HashSet<string> _known = new(Harmless);

    public Result<WranglerPlan> Plan()
    {
        var bindings = new Dictionary<string, JsonElement>();
        foreach (var (name, value) in Table("vars")) bindings[name] = value is JsonValue v && v.GetValueKind() is JsonValueKind.String ? Element(v) : Element(new { type = "json", value });
        foreach (var kv in Tables("kv_namespaces")) Bind(bindings, kv, "kv_namespaces", new { type = "kv", @namespace = Text(kv, "id", "kv_namespaces") }, "id", "preview_id", "remote");
        foreach (var s in Tables("services")) Bind(bindings, s, "services", new { type = "service", worker = Text(s, "service", "services"), entrypoint = Optional(s, "entrypoint") }, "service", "entrypoint", "environment", "remote");
        foreach (var r in Tables("r2_buckets")) Bind(bindings, r, "r2_buckets", new { type = "bucket", bucket = Text(r, "bucket_name", "r2_buckets") }, "bucket_name", "preview_bucket_name", "remote");
        foreach (var d in Inner("durable_objects", "bindings")) Bind(bindings, d, "durable_objects.bindings", new { type = "durable_object", @class = Text(d, "class_name", "durable_objects.bindings"), worker = Optional(d, "script_name") }, "class_name", "name", "script_name");
        foreach (var p in Inner("queues", "producers")) Bind(bindings, p, "queues.producers", new { type = "queue", queue = Text(p, "queue", "queues.producers") }, "queue", "remote", "delivery_delay");
        foreach (var p in Inner("queues", "producers").Where(p => p["delivery_delay"] is not null)) _warnings.Add($"{_file}: 'queues.producers.delivery_delay' is a setting of the queue '{Optional(p, "queue")}' here; set it there.");
        if (Table("version_metadata") is { Count: > 0 } metadata) Bind(bindings, metadata, "version_metadata", new { type = "version_metadata" });
        var (assets, folder) = Assets();
        var limits = Table("limits");
        Rest(limits, "limits", "cpu_ms");
        var flags = Strings("compatibility_flags");
        var main = String("main") is { Length: > 0 } path ? Registry.ModuleCheck.Normal(path) : null;
        if (main is null && folder is null) _errors.Add(new($"{_file}: main", "It is missing, or leaves the folder.", "Name the entry, such as src/index.ts, or static files by assets.directory."));
        var plan = new WranglerPlan
        {
            Name = String("name"), Main = main, AssetFolder = folder, NoBundle = Flag("no_bundle"), Routes = [.. Routes()],
            Order = new BundleOrder(main ?? "", Flag("minify"), flags.Any(f => f is "nodejs_compat" or "nodejs_compat_v2"), Names("define"), Names("alias")),
            Metadata = new WorkerMetadata
            {
                CompatibilityDate = String("compatibility_date"), CompatibilityFlags = flags, Bindings = bindings, Assets = assets, Limits = Number(limits, "cpu_ms") is { } cpu ? new WantedLimits(CpuMs: cpu) : null,
                Triggers = new WorkerTriggers(Crons(), Consumers()), Migrations = Migrations(), Message = $"From {_file}",
            },
            Warnings = _warnings,
        };
        foreach (var (key, _) in file.Settings.Where(s => !_known.Contains(s.Key))) _warnings.Add($"{_file}: '{key}' means nothing here and was left out.");
        return _errors.Count > 0 ? Problem.Invalid(_errors) : plan;
    }

    private List<ObjectMigration>? Migrations()
    {
        var found = new List<ObjectMigration>();
        foreach (var m in Tables("migrations"))
        {
            Rest(m, "migrations", "tag", "new_sqlite_classes", "new_classes", "renamed_classes", "deleted_classes");
            IReadOnlyList<string> Names(string key) => Strings(m, key, $"migrations.{key}");
            found.Add(new ObjectMigration(Text(m, "tag", "migrations"), Names("new_sqlite_classes"), Names("new_classes"),
                [.. Objects(m["renamed_classes"], "migrations.renamed_classes").Select(r => new ClassRename(Optional(r, "from"), Optional(r, "to")))], Names("deleted_classes")));
        }
        return found.Count == 0 ? null : found;
    }

    private IReadOnlyList<string> Crons()
    {
        var triggers = Table("triggers");
        Rest(triggers, "triggers", "crons");
        return Strings(triggers, "crons", "triggers.crons");
    }

    private List<QueueConsumer> Consumers()
    {
        var found = new List<QueueConsumer>();
        foreach (var c in Inner("queues", "consumers"))
        {
            Rest(c, "queues.consumers", "queue", "max_batch_size", "max_batch_timeout", "max_retries", "dead_letter_queue", "max_concurrency", "retry_delay", "type");
            if (Optional(c, "type") is { } type and not "worker") _errors.Add(new($"{_file}: queues.consumers.type", $"There is no consumer of the type '{type}' here.", "Leave it out: messages are handed to the worker's queue()."));
            found.Add(new QueueConsumer(Text(c, "queue", "queues.consumers"), Number(c, "max_batch_size") ?? 10, Number(c, "max_batch_timeout") ?? 5, Number(c, "max_retries") ?? 3, Optional(c, "dead_letter_queue"), Number(c, "max_concurrency"), Number(c, "retry_delay") ?? 0));
        }
        return found;
    }

    private (AssetSettings? Settings, string? Folder) Assets()
    {
        var assets = Table("assets");
        if (assets.Count == 0) return (null, null);
        Rest(assets, "assets", "directory", "binding", "not_found_handling", "run_worker_first");
        var first = assets["run_worker_first"];
        if (first is JsonArray) _warnings.Add($"{_file}: 'assets.run_worker_first' as a list of paths means nothing here; the worker runs first for none.");
        var notFound = Optional(assets, "not_found_handling") switch { "single-page-application" => AssetNotFound.SinglePage, "404-page" => AssetNotFound.Page404, _ => AssetNotFound.None };
        var folder = Optional(assets, "directory") is { } text ? Registry.ModuleCheck.Normal(text.TrimEnd('/')) : null;
        if (folder is null && Optional(assets, "directory") is not null) _errors.Add(new($"{_file}: assets.directory", "It leaves the folder.", "Name a folder of the project, such as ./public."));
        return (new AssetSettings(notFound, first is JsonValue v && v.GetValueKind() is JsonValueKind.True, Optional(assets, "binding")), folder);
    }

    private IEnumerable<(string Hostname, string Pattern)> Routes()
    {
        _known.Add("route");
        _known.Add("routes");
        foreach (var one in (JsonNode?[])[file.Settings["route"], .. file.Settings["routes"] as JsonArray ?? []])
        {
            var text = one switch { JsonValue v => v.ToString(), JsonObject o => Optional(o, "pattern"), _ => null };
            if (text is null) continue;
            foreach (var scheme in (string[])["https://", "http://"])
                if (text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) text = text[scheme.Length..];
            var slash = text.IndexOf('/');
            var host = slash < 0 ? text : text[..slash];
            yield return (host, one is JsonObject o2 && o2["custom_domain"]?.GetValueKind() is JsonValueKind.True || slash < 0 ? "/*" : text[slash..]);
        }
    }

    private void Bind(Dictionary<string, JsonElement> bindings, JsonObject from, string table, object value, params string[] known)
    {
        Rest(from, table, ["binding", .. known]);
        if ((Optional(from, "binding") ?? Optional(from, "name")) is not { Length: > 0 } name) _errors.Add(new($"{_file}: {table}", "A binding has no name.", "Give it a binding = \"NAME\"."));
        else bindings[name] = JsonSerializer.SerializeToElement(value);
    }

    private static JsonElement Element(object value) => JsonSerializer.SerializeToElement(value);

    private JsonObject Table(string key)
    {
        _known.Add(key);
        if (file.Settings[key] is null or JsonObject) return file.Settings[key] as JsonObject ?? [];
        _errors.Add(new($"{_file}: {key}", "It is no table.", $"Write [{key}] with its keys below."));
        return [];
    }

    private IEnumerable<JsonObject> Tables(string key)
    {
        _known.Add(key);
        return Objects(file.Settings[key], key);
    }

    private IEnumerable<JsonObject> Inner(string key, string part) => Objects(Table(key)[part], $"{key}.{part}");

    private IEnumerable<JsonObject> Objects(JsonNode? node, string key)
    {
        if (node is null) return [];
        if (node is JsonArray array && array.All(a => a is JsonObject)) return array.Cast<JsonObject>();
        _errors.Add(new($"{_file}: {key}", "It is no list of tables.", $"Write [[{key}]] for each."));
        return [];
    }

    private void Rest(JsonObject table, string name, params string[] known)
    {
        foreach (var (key, _) in table)
            if (!known.Contains(key)) _warnings.Add($"{_file}: '{name}.{key}' means nothing here and was left out.");
    }

    private string? String(string key)
    {
        _known.Add(key);
        return Optional(file.Settings, key);
    }

    private bool Flag(string key)
    {
        _known.Add(key);
        return file.Settings[key]?.GetValueKind() is JsonValueKind.True;
    }

    private Dictionary<string, string> Names(string key) => Table(key).Where(p => p.Value is JsonValue).ToDictionary(p => p.Key, p => p.Value!.ToString());

    private IReadOnlyList<string> Strings(string key) => Strings(file.Settings, key, key);

    private IReadOnlyList<string> Strings(JsonObject table, string key, string name)
    {
        if (table[key] is null) return [];
        if (table[key] is JsonArray array && array.All(a => a?.GetValueKind() is JsonValueKind.String)) return [.. array.Select(a => a!.GetValue<string>())];
        _errors.Add(new($"{_file}: {name}", "It is no list of texts.", $"Write {key} = [\"…\"]."));
        return [];
    }

    private string Text(JsonObject table, string key, string name)
    {
        if (Optional(table, key) is { Length: > 0 } text) return text;
        _errors.Add(new($"{_file}: {name}.{key}", "It is missing.", "Give it."));
        return "";
    }

    private static string? Optional(JsonObject table, string key) => table[key] is JsonValue v && v.GetValueKind() is JsonValueKind.String ? v.GetValue<string>() : null;

    private static int? Number(JsonObject table, string key) => table[key] is JsonValue v && v.GetValueKind() is JsonValueKind.Number && v.TryGetValue<long>(out var number) && number is >= 0 and <= int.MaxValue ? (int)number : null;
}
