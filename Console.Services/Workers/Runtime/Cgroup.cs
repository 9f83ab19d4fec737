using System.Globalization;
using System.Text.RegularExpressions;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Limits of memory, threads and CPU by the kernel's control groups, version 1 or 2, as far as the machine allows.</summary>
internal sealed partial class Cgroup
{
    private const string Root = "/sys/fs/cgroup";
    private const long PeriodUs = 50_000;

    // A cordon gets what others leave: a tenth of the weight that every other process has.
    private const int SecondWeight = 10, FirstShares = 102;

    private readonly List<string> _folders = [];
    private readonly string? _memory;
    private readonly bool _second;

    private Cgroup(string name, long memoryBytes, int threads, int? cpuPercent)
    {
        _second = File.Exists(Path.Combine(Root, "cgroup.controllers"));
        if (_second)
        {
            var parent = Path.Combine(Root, "quarterdeck");
            if (!Try(() =>
            {
                Directory.CreateDirectory(parent);
                foreach (var place in (string[])[Root, parent]) File.WriteAllText(Path.Combine(place, "cgroup.subtree_control"), "+memory +pids");
                if (cpuPercent is not null) Try(() => Array.ForEach([Root, parent], place => File.WriteAllText(Path.Combine(place, "cgroup.subtree_control"), "+cpu")));
            })) return;
            if (Make(Path.Combine(parent, name)) is not { } folder) return;
            Memory = Try(() => File.WriteAllText(Path.Combine(folder, "memory.max"), Number(memoryBytes)));
            if (Memory) Try(() => File.WriteAllText(Path.Combine(folder, "memory.swap.max"), "0"));
            Processes = Try(() => File.WriteAllText(Path.Combine(folder, "pids.max"), Number(threads)));
            if (cpuPercent is { } share)
                Try(() =>
                {
                    File.WriteAllText(Path.Combine(folder, "cpu.max"), $"{Number(share * (PeriodUs / 100))} {Number(PeriodUs)}");
                    File.WriteAllText(Path.Combine(folder, "cpu.weight"), Number(SecondWeight));
                });
            _memory = folder;
            return;
        }
        if (Make(Path.Combine(Root, "memory", name)) is { } memory)
        {
            Memory = Try(() => File.WriteAllText(Path.Combine(memory, "memory.limit_in_bytes"), Number(memoryBytes)));
            _memory = memory;
        }
        if (Make(Path.Combine(Root, "pids", name)) is { } pids) Processes = Try(() => File.WriteAllText(Path.Combine(pids, "pids.max"), Number(threads)));
        if (cpuPercent is { } percent && Make(Path.Combine(Root, "cpu", name)) is { } cpu)
            Try(() =>
            {
                File.WriteAllText(Path.Combine(cpu, "cpu.cfs_period_us"), Number(PeriodUs));
                File.WriteAllText(Path.Combine(cpu, "cpu.cfs_quota_us"), Number(percent * (PeriodUs / 100)));
                File.WriteAllText(Path.Combine(cpu, "cpu.shares"), Number(FirstShares));
            });
    }

    /// <summary>Whether memory is limited.</summary>
    public bool Memory { get; }

    /// <summary>Whether threads are limited.</summary>
    public bool Processes { get; }

    /// <summary>Files into which a process writes its id to belong to it.</summary>
    public IReadOnlyList<string> Doors => [.. _folders.Select(folder => Path.Combine(folder, "cgroup.procs"))];

    /// <summary>How often the kernel ended a process in it for its memory.</summary>
    public long MemoryEnds()
    {
        if (_memory is null) return 0;
        try { return OomKill().Match(File.ReadAllText(Path.Combine(_memory, _second ? "memory.events" : "memory.oom_control"))) is { Success: true } found ? long.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture) : 0; }
        catch (IOException) { return 0; }
    }

    /// <summary>Makes one; what the machine does not allow is simply not limited.</summary>
    /// <param name="name">Unique in this process.</param>
    /// <param name="memoryBytes">Most memory.</param>
    /// <param name="threads">Most threads and processes.</param>
    /// <param name="cpuPercent">Most CPU, per cent of one core; null for no limit.</param>
    public static Cgroup Make(string name, long memoryBytes, int threads, int? cpuPercent)
    {
        Sweep();
        return new Cgroup($"quarterdeck-{Environment.ProcessId}-{name}", memoryBytes, threads, cpuPercent);
    }

    /// <summary>Removes it, once its processes have ended.</summary>
    public void Remove()
    {
        foreach (var folder in _folders) Try(() => Directory.Delete(folder));
    }

    // A console that was killed could not remove its own.
    private static void Sweep()
    {
        foreach (var parent in (string[])[Path.Combine(Root, "memory"), Path.Combine(Root, "pids"), Path.Combine(Root, "cpu"), Path.Combine(Root, "quarterdeck")])
        {
            if (!Directory.Exists(parent)) continue;
            foreach (var old in Directory.EnumerateDirectories(parent, "quarterdeck-*"))
                if (Path.GetFileName(old).Split('-') is [_, var pid, ..] && !Directory.Exists("/proc/" + pid)) Try(() => Directory.Delete(old));
        }
    }

    private string? Make(string folder)
    {
        if (!Directory.Exists(Path.GetDirectoryName(folder)) || !Try(() => Directory.CreateDirectory(folder))) return null;
        _folders.Add(folder);
        return folder;
    }

    private static bool Try(Action act)
    {
        try
        {
            act();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return false; }
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^oom_kill (\d+)", RegexOptions.Multiline)]
    private static partial Regex OomKill();
}
