using System.Globalization;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Registry;

/// <summary>Limits within what an administrator allows, and policies within what the platform can hold.</summary>
internal static class LimitCheck
{
    private sealed record Field(string Name, Func<WorkerLimits, long> Of, Func<WantedLimits, long?> Wanted, long Least, long Most, string Unit);

    // The guard counts collections of garbage as CPU of the turn: below 5 ms good code would be ended by chance.
    private static readonly Field[] Fields =
    [
        new("cpuMs", l => l.CpuMs, w => w.CpuMs, 5, 300_000, "ms"),
        new("cpuPercent", l => l.CpuPercent, w => w.CpuPercent, 1, 100, "% of a core"),
        new("memoryMiB", l => l.MemoryMiB, w => w.MemoryMiB, 8, 4096, "MiB"),
        new("buffersMiB", l => l.BuffersMiB, w => w.BuffersMiB, 1, 4096, "MiB"),
        new("wallMs", l => l.WallMs, w => w.WallMs, 10, 3_600_000, "ms"),
        new("concurrentSubrequests", l => l.ConcurrentSubrequests, w => w.ConcurrentSubrequests, 1, 1000, "subrequests"),
        new("subrequests", l => l.Subrequests, w => w.Subrequests, 0, 1_000_000, "subrequests"),
        new("requestBytes", l => l.RequestBytes, w => w.RequestBytes, 0, 16L << 30, "bytes"),
        new("responseBytes", l => l.ResponseBytes, w => w.ResponseBytes, 0, 1L << 40, "bytes"),
        new("codeBytes", l => l.CodeBytes, w => w.CodeBytes, 1, 256L << 20, "bytes"),
        new("startupMs", l => l.StartupMs, w => w.StartupMs, 10, 60_000, "ms"),
    ];

    /// <summary>What was asked for, with defaults where it says nothing; what is wrong goes into <paramref name="errors"/>.</summary>
    public static WorkerLimits Apply(WantedLimits? wanted, WorkerLimits otherwise, WorkerPolicy policy, List<FieldError> errors)
    {
        wanted ??= new WantedLimits();
        foreach (var field in Fields)
        {
            if (field.Wanted(wanted) is not { } value) continue;
            // 0 is no limit for responses only, which the ceiling may forbid.
            var ceiling = field.Of(policy.Ceilings);
            if (field.Name is "responseBytes" && ceiling == 0) ceiling = field.Most;
            if (value < field.Least || value > field.Most) errors.Add(new($"limits.{field.Name}", $"{value} is not between {field.Least} and {field.Most} {field.Unit}.", $"Give at most {Text(ceiling)}, or leave it out for {Text(field.Of(policy.Defaults))}."));
            else if (value > ceiling) errors.Add(new($"limits.{field.Name}", $"{value} is more than the ceiling of {Text(ceiling)} {field.Unit} that an administrator set.", $"Give at most {Text(ceiling)}, or ask an administrator to raise the ceiling."));
        }
        return new WorkerLimits(
            wanted.CpuMs ?? otherwise.CpuMs, wanted.CpuPercent ?? otherwise.CpuPercent, wanted.MemoryMiB ?? otherwise.MemoryMiB, wanted.BuffersMiB ?? otherwise.BuffersMiB, wanted.WallMs ?? otherwise.WallMs,
            wanted.ConcurrentSubrequests ?? otherwise.ConcurrentSubrequests, wanted.Subrequests ?? otherwise.Subrequests, wanted.RequestBytes ?? otherwise.RequestBytes,
            wanted.ResponseBytes ?? otherwise.ResponseBytes, wanted.CodeBytes ?? otherwise.CodeBytes, wanted.StartupMs ?? otherwise.StartupMs);
    }

    public static List<FieldError> Policy(WorkerPolicy policy)
    {
        var errors = new List<FieldError>();
        foreach (var field in Fields)
        {
            foreach (var (name, limits) in new[] { ("defaults", policy.Defaults), ("ceilings", policy.Ceilings) })
                if (field.Of(limits) is var value && (value < field.Least || value > field.Most))
                    errors.Add(new($"{name}.{field.Name}", $"{value} is not between {field.Least} and {field.Most} {field.Unit}.", $"Give a number between {field.Least} and {field.Most}."));
            var (most, usual) = (field.Of(policy.Ceilings), field.Of(policy.Defaults));
            var unlimited = field.Name is "responseBytes" && most == 0;
            if (!unlimited && (usual > most || (field.Name is "responseBytes" && usual == 0)))
                errors.Add(new($"defaults.{field.Name}", $"The default {usual} is more than the ceiling {most}.", "Raise the ceiling or lower the default."));
        }
        return errors;
    }

    /// <summary>What differs, by name.</summary>
    public static IEnumerable<SettingDiff> Compare(WorkerLimits from, WorkerLimits to) =>
        Fields.Where(f => f.Of(from) != f.Of(to)).Select(f => new SettingDiff($"limits.{f.Name}", Text(f.Of(from)), Text(f.Of(to))));

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
