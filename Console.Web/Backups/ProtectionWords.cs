using Quarterdeck.Backups;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Backups;

/// <summary>Backups in words.</summary>
public static class ProtectionWords
{
    /// <summary>A level, such as <c>by hand only</c>.</summary>
    public static string Of(ProtectionLevel level) => level switch
    {
        ProtectionLevel.Unprotected => "unprotected",
        ProtectionLevel.Damaged => "points damaged",
        ProtectionLevel.Waiting => "no point yet",
        ProtectionLevel.Late => "last run missed it",
        ProtectionLevel.ByHand => "by hand only",
        _ => "protected",
    };

    /// <summary>What a level means to the person who looks.</summary>
    public static Meaning MeaningOf(ProtectionLevel level) => level switch
    {
        ProtectionLevel.Unprotected or ProtectionLevel.Late => Meaning.Attention,
        ProtectionLevel.Damaged => Meaning.Failed,
        ProtectionLevel.Waiting or ProtectionLevel.ByHand => Meaning.Off,
        _ => Meaning.Ok,
    };

    /// <summary>A retention, such as <c>7 daily, 4 weekly</c>.</summary>
    public static string Of(Retention retention)
    {
        (int? Count, string Word)[] parts = [(retention.Last, "last"), (retention.Hourly, "hourly"), (retention.Daily, "daily"), (retention.Weekly, "weekly"), (retention.Monthly, "monthly"), (retention.Yearly, "yearly")];
        return retention.KeepsAll() ? "everything" : string.Join(", ", parts.Where(p => p.Count is not null).Select(p => $"{p.Count} {p.Word}"));
    }

    /// <summary>What a job protects, such as <c>3 VMs, tag prod</c>.</summary>
    public static string Of(JobTargets targets)
    {
        var parts = new List<string>();
        if (targets.All) parts.Add("all VMs");
        if (targets.VmIds.Count > 0) parts.Add(targets.VmIds.Count == 1 ? "1 VM" : $"{targets.VmIds.Count} VMs");
        if (targets.Tags.Count > 0) parts.Add((targets.Tags.Count == 1 ? "tag " : "tags ") + string.Join(", ", targets.Tags));
        if (targets.HostIds.Count > 0) parts.Add(targets.HostIds.Count == 1 ? "1 host" : $"{targets.HostIds.Count} hosts");
        return string.Join(", ", parts) + (targets.ExceptVmIds.Count > 0 ? $" but {targets.ExceptVmIds.Count}" : "");
    }
}
