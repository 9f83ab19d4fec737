using System.Text.Json;
using System.Text.RegularExpressions;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Objects;

namespace Quarterdeck.Workers.Registry;

/// <summary>Reads an upload into a version: everything that can be told without running it, each mistake by its field.</summary>
internal sealed partial class UploadCheck(PolicyStore policies, VersionStore versions, BindingReader bindingReader, WorkerTable table)
{
    private const int LongestMessage = 500, MostCrons = 100, MostHosts = 100;

    [GeneratedRegex("^[a-z0-9][a-z0-9_-]{0,62}$")]
    private static partial Regex WorkerName();

    [GeneratedRegex(@"^(\*\.)?([a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)*(:\d{1,5})?$", RegexOptions.IgnoreCase)]
    private static partial Regex EgressHost();

    [GeneratedRegex("^[A-Za-z_$][A-Za-z0-9_$]{0,63}$")]
    private static partial Regex Identifier();

    /// <summary>What is wrong with a worker's name; null when nothing is.</summary>
    public static Problem? Name(string name) => name is "new" or "upload"
        ? Problem.Invalid("name", $"'{name}' is the address of a page.", "Choose another name.")
        : WorkerName().IsMatch(name) ? null
        : Problem.Invalid("name", $"'{(name.Length > 80 ? name[..80] + "…" : name)}' is no name of a worker.", "Use 1 to 63 lower-case letters, digits, - and _, beginning with a letter or digit.");

    /// <summary>The version that an upload makes.</summary>
    public async Task<Result<VersionDraft>> ReadAsync(string name, Worker? existing, WorkerUpload upload, CancellationToken cancellation)
    {
        var errors = new List<FieldError>();
        var said = upload.Metadata;
        var policy = await policies.ReadAsync(cancellation);
        var limits = LimitCheck.Apply(said.Limits, policy.Defaults, policy, errors);
        var assetFiles = upload.Files.Where(f => f.Name.StartsWith(AssetCheck.Folder, StringComparison.Ordinal)).Select(f => f with { Name = f.Name[AssetCheck.Folder.Length..] }).ToList();
        var modules = ModuleCheck.Read([.. upload.Files.Where(f => !f.Name.StartsWith(AssetCheck.Folder, StringComparison.Ordinal))], limits, errors);
        var warnings = new List<string>();
        var assets = AssetCheck.Read(said.Assets, assetFiles, errors, warnings);
        // Files alone need no code: the front answers them.
        if (modules.Count == 0 && assets is { Files.Count: > 0 } && said.MainModule is null) modules = [Answers404];
        var main = ModuleCheck.Main(said.MainModule, modules, errors);
        var kept = existing is { LatestVersion: > 0 } ? await versions.SecretsAsync(new WorkerKey(existing.Serial, existing.LatestVersion), cancellation) : new Dictionary<string, string>();
        var bindings = await bindingReader.ReadAsync(WithAssets(said), name, kept, errors, cancellation);
        var migrations = MigrationCheck.Read(said.Migrations, bindings, errors);
        var date = Compatibility.Date(said.CompatibilityDate, errors);
        var flags = Compatibility.Flags(said.CompatibilityFlags, errors);
        var triggers = Triggers(said.Triggers, name, errors);
        var egress = Egress(said.Egress, errors);
        var health = HealthPath(said.HealthPath, errors);
        if (said.Message is { Length: > LongestMessage }) errors.Add(new("message", $"It is longer than {LongestMessage} characters.", "Say it in fewer words."));
        if (errors.Count > 0) return Problem.Invalid(errors);
        var bytes = assetFiles.Where(f => !AssetCheck.IsRules(f)).ToDictionary(f => "/" + ModuleCheck.Normal(f.Name)!, f => f.Content, StringComparer.Ordinal);
        return Draft(name, existing, main!, date, flags, modules, bindings, limits, policy, egress, triggers, assets, bytes, health, said.Message) with { Warnings = warnings, Migrations = migrations };
    }

    /// <summary>The version that a revision of another one makes: its modules and files, with some of the rest changed.</summary>
    public async Task<Result<VersionDraft>> ReviseAsync(Worker worker, WorkerVersion from, IReadOnlyList<WorkerModule> modules, WorkerRevision wanted, CancellationToken cancellation)
    {
        var errors = new List<FieldError>();
        var policy = await policies.ReadAsync(cancellation);
        var kept = await versions.SecretsAsync(from.Key, cancellation);
        var limits = LimitCheck.Apply(wanted.Limits, from.Limits.Within(policy.Ceilings), policy, errors);
        var bindings = wanted.Bindings is null ? SecretValues.Fill(from.Bindings, kept) : await bindingReader.ReadAsync(wanted.Bindings, worker.Name, kept, errors, cancellation);
        var date = wanted.CompatibilityDate is null ? from.CompatibilityDate : Compatibility.Date(wanted.CompatibilityDate, errors);
        var flags = wanted.CompatibilityFlags is null ? from.CompatibilityFlags : Compatibility.Flags(wanted.CompatibilityFlags, errors);
        var triggers = wanted.Triggers is null ? from.Triggers : Triggers(wanted.Triggers, worker.Name, errors);
        var egress = wanted.Egress switch { null => from.Egress, ["*"] => null, var hosts => Egress(hosts, errors) };
        var health = wanted.HealthPath switch { null => from.HealthPath, "" => null, var path => HealthPath(path, errors) };
        if (wanted.Message is { Length: > LongestMessage }) errors.Add(new("message", $"It is longer than {LongestMessage} characters.", "Say it in fewer words."));
        var bytes = modules.Sum(m => (long)m.Content.Length);
        if (bytes > limits.CodeBytes) errors.Add(new("limits.codeBytes", $"The modules have {bytes} bytes already.", $"Give at least {bytes}."));
        if (errors.Count > 0) return Problem.Invalid(errors);
        return Draft(worker.Name, worker, from.MainModule, date, flags, modules, bindings, limits, policy, egress, triggers, from.Assets, new Dictionary<string, ReadOnlyMemory<byte>>(), health, wanted.Message);
    }

    private static WorkerModule Answers404 { get; } = new("index.js", ModuleKind.EsModule, "export default { fetch() { return new Response('Not found', { status: 404 }) } }\n"u8.ToArray());

    private static VersionDraft Draft(
        string name, Worker? worker, string main, string date, IReadOnlyList<string> flags, IReadOnlyList<WorkerModule> modules, IReadOnlyList<WorkerBinding> bindings, WorkerLimits limits, WorkerPolicy policy,
        IReadOnlyList<string>? egress, WorkerTriggers triggers, WorkerAssets? assets, IReadOnlyDictionary<string, ReadOnlyMemory<byte>> files, string? health, string? message)
    {
        var code = new WorkerCode(new WorkerKey(worker?.Serial ?? 0, 0), name, "", main, date, flags, modules, bindings, limits.Within(policy.Ceilings), egress);
        return new VersionDraft(code with { Digest = CodeDigest.Of(code) }, limits, triggers, assets, files, health, message ?? "");
    }

    private static IReadOnlyDictionary<string, JsonElement>? WithAssets(WorkerMetadata said)
    {
        if (said.Assets?.Binding is not { Length: > 0 } name || !Identifier().IsMatch(name)) return said.Bindings;
        return new Dictionary<string, JsonElement>(said.Bindings ?? new Dictionary<string, JsonElement>()) { [name] = JsonSerializer.SerializeToElement(new { type = "assets" }) };
    }

    private WorkerTriggers Triggers(WorkerTriggers? wanted, string worker, List<FieldError> errors)
    {
        if (wanted is null) return WorkerTriggers.None;
        var crons = wanted.Crons ?? [];
        var queues = wanted.Queues ?? [];
        if (crons.Count > MostCrons) errors.Add(new("triggers.crons", $"There are {crons.Count}.", $"Give at most {MostCrons}."));
        for (var i = 0; i < crons.Count; i++)
            if (CronRule.Parse(crons[i], "UTC").Problem is { } wrong) errors.AddRange(wrong.Errors.Select(e => e with { Field = $"triggers.crons[{i}]" }));
        for (var i = 0; i < queues.Count; i++) Consumer(queues[i], $"triggers.queues[{i}]", worker, errors);
        foreach (var twice in queues.Index().GroupBy(q => q.Item.Queue).Where(g => g.Count() > 1)) errors.Add(new($"triggers.queues[{twice.Last().Index}].queue", $"'{twice.Key}' is there twice.", "Consume a queue once."));
        return new WorkerTriggers([.. crons.Distinct()], [.. queues]);
    }

    private void Consumer(QueueConsumer consumer, string field, string worker, List<FieldError> errors)
    {
        if (!BindingReader.IsName(consumer.Queue)) errors.Add(new(field + ".queue", "It is no name of a queue.", BindingReader.NameRule));
        else if (table.Current.Workers.Values.FirstOrDefault(w => w.Name != worker && w.Versions.Any(v => v.Triggers.Queues.Any(q => q.Queue == consumer.Queue))) is { } other)
            errors.Add(new(field + ".queue", $"The worker '{other.Name}' consumes '{consumer.Queue}' already.", "A queue has one consumer: take another queue, or deploy a version of that worker that does not consume it."));
        if (consumer.DeadLetterQueue is { } dead && (!BindingReader.IsName(dead) || dead == consumer.Queue)) errors.Add(new(field + ".deadLetterQueue", dead == consumer.Queue ? "It is the queue itself." : "It is no name of a queue.", "Name another queue."));
        Between(consumer.MaxBatchSize, 1, 100, "maxBatchSize", 10);
        Between(consumer.MaxBatchTimeoutSeconds, 0, 60, "maxBatchTimeoutSeconds", 5);
        Between(consumer.MaxRetries, 0, 100, "maxRetries", 3);
        Between(consumer.MaxConcurrency ?? 1, 1, 250, "maxConcurrency", QueueConsumer.UsualConcurrency);
        Between(consumer.RetryDelaySeconds, 0, 86_400, "retryDelaySeconds", 0);

        void Between(int value, int least, int most, string name, int example)
        {
            if (value < least || value > most) errors.Add(new($"{field}.{name}", $"{value} is not between {least} and {most}.", $"Give {example}, or leave it out."));
        }
    }

    private static IReadOnlyList<string>? Egress(IReadOnlyList<string>? wanted, List<FieldError> errors)
    {
        if (wanted is null) return null;
        if (wanted.Count > MostHosts) errors.Add(new("egress", $"There are {wanted.Count} hosts.", $"Give at most {MostHosts}; *.example.com has all names below."));
        for (var i = 0; i < wanted.Count; i++)
            if (wanted[i] is not { Length: <= 260 } || !EgressHost().IsMatch(wanted[i])) errors.Add(new($"egress[{i}]", $"'{wanted[i]}' is no host.", "Give a host name such as api.example.com or *.example.com, with a port if only that one is meant."));
        return [.. wanted.Select(h => h.ToLowerInvariant()).Distinct()];
    }

    private static string? HealthPath(string? wanted, List<FieldError> errors)
    {
        if (wanted is { Length: > 0 } && (wanted[0] != '/' || wanted.Length > 1024 || wanted.Any(c => c is <= ' ' or > '~' or '#'))) errors.Add(new("healthPath", $"'{wanted}' is no path.", "Give a path such as /health."));
        return wanted is { Length: > 0 } ? wanted : null;
    }
}
