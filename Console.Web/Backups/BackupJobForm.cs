using System.Globalization;
using Quarterdeck.Backups;
using Quarterdeck.Web.Shared.Fields;

namespace Quarterdeck.Web.Backups;

/// <summary>What the job dialog holds while it is being filled in.</summary>
public sealed class BackupJobForm
{
    /// <summary>Ways to say which VMs.</summary>
    public static readonly IReadOnlyList<(string Value, string Text)> Choices = [("picked", "Those that I pick"), ("tags", "All with a tag"), ("hosts", "All of a host"), ("all", "All, new ones too, but")];

    /// <summary>What starts it.</summary>
    public static readonly IReadOnlyList<(string Value, string Text)> Whens = [("schedule", "By itself, at set times"), ("hand", "By hand only"), ("paused", "Not now: keep the times for later")];

    /// <summary>What retention counts.</summary>
    public static readonly IReadOnlyList<(string Key, string Label)> Periods = [("last", "Last"), ("hourly", "Hourly"), ("daily", "Daily"), ("weekly", "Weekly"), ("monthly", "Monthly"), ("yearly", "Yearly")];

    /// <summary>The job that is changed; null for a new one.</summary>
    public Guid? Id { get; private init; }

    public string? Name { get; set; }
    public string? Repository { get; set; }
    public string? Which { get; set; } = "picked";
    public Dictionary<Guid, string> Vms { get; private init; } = [];
    public string? Tags { get; set; }
    public HashSet<Guid> Hosts { get; private init; } = [];
    public string? When { get; set; } = "schedule";
    public RuleForm Rule { get; private init; } = new();
    public Dictionary<string, string?> Keep { get; private init; } = new() { ["daily"] = "7", ["weekly"] = "4", ["monthly"] = "6" };
    public bool Verify { get; set; }
    public string? Limit { get; set; }
    public string? Parallel { get; set; } = "2";

    /// <summary>A stored job, with the names of the VMs that it picks.</summary>
    public static BackupJobForm Of(BackupJob job, Dictionary<Guid, string> names) => new()
    {
        Id = job.Id, Name = job.Name, Repository = job.RepositoryId.ToString(), Which = job.Targets.All ? "all" : job.Targets.Tags.Count > 0 ? "tags" : job.Targets.HostIds.Count > 0 ? "hosts" : "picked",
        Vms = names, Tags = string.Join(", ", job.Targets.Tags), Hosts = [.. job.Targets.HostIds], When = job.Schedule is null ? "hand" : job.Enabled ? "schedule" : "paused",
        Rule = job.Schedule is { } s ? RuleForm.Of(s.Cron!, s.TimeZone!) : new RuleForm(),
        Keep = new() { ["last"] = Text(job.Retention.Last), ["hourly"] = Text(job.Retention.Hourly), ["daily"] = Text(job.Retention.Daily), ["weekly"] = Text(job.Retention.Weekly), ["monthly"] = Text(job.Retention.Monthly), ["yearly"] = Text(job.Retention.Yearly) },
        Verify = job.Verify, Limit = job.BytesPerSecond is { } limit ? Text((int)(limit >> 20)) : null, Parallel = Text(job.ParallelPerHost),
    };

    /// <summary>Chooses an id, or takes it out.</summary>
    public static void Choose(HashSet<Guid> chosen, Guid id, bool wanted)
    {
        if (wanted) chosen.Add(id);
        else chosen.Remove(id);
    }

    /// <summary>What stays, in a sentence.</summary>
    public string KeepsInWords() => KeptBy() is var retention && retention.KeepsAll()
        ? "Without any number every recovery point stays."
        : $"Of each VM: {ProtectionWords.Of(retention)}; always the newest, the newest good one, and what is pinned.";

    /// <summary>What is asked for. A number that is none becomes 0, which the service refuses by name.</summary>
    public NewBackupJob ToJob() => new(
        Name, Guid.TryParse(Repository, out var repository) ? repository : Guid.Empty,
        new JobTargets
        {
            All = Which == "all", VmIds = Which == "picked" ? [.. Vms.Keys] : [], ExceptVmIds = Which == "all" ? [.. Vms.Keys] : [], HostIds = Which == "hosts" ? [.. Hosts] : [],
            Tags = Which == "tags" ? (Tags ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [],
        },
        When == "hand" ? null : new JobSchedule(Rule.Cron, Rule.Zone), KeptBy(), Verify, When != "paused", Number(Limit) is { } limit ? (long)limit << 20 : null, Number(Parallel));

    private Retention KeptBy() => new(Kept("last"), Kept("hourly"), Kept("daily"), Kept("weekly"), Kept("monthly"), Kept("yearly"));

    private int? Kept(string key) => Number(Keep.GetValueOrDefault(key));

    private static int? Number(string? text) => string.IsNullOrWhiteSpace(text) ? null : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;

    private static string? Text(int? value) => value?.ToString(CultureInfo.InvariantCulture);
}
