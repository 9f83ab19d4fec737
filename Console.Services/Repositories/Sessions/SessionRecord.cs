namespace Quarterdeck.Repositories.Sessions;

/// <summary>Who has a repository open: on which machine and process, and for what.</summary>
internal sealed record SessionRecord(Guid Id, string Machine, string Place, int ProcessId, long ProcessStart, string Purpose, DateTimeOffset StartedAt)
{
    /// <summary>This process.</summary>
    public static SessionRecord New(Guid id, string purpose, DateTimeOffset now) => new(id, Environment.MachineName, Here(), Environment.ProcessId, StartOf(Environment.ProcessId) ?? 0, purpose, now);

    /// <summary>Whether its process is known to have ended: it was one of this machine, and is not there any more.</summary>
    public bool IsKnownDead => Place == Here() && StartOf(ProcessId) != ProcessStart;

    /// <summary>Names this boot of this machine and this space of process ids: elsewhere the number of a process says nothing.</summary>
    private static string Here()
    {
        try { return $"{File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()}/{new FileInfo("/proc/self/ns/pid").LinkTarget}"; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return Guid.NewGuid().ToString(); }
    }

    /// <summary>When a process began, in the kernel's ticks: numbers of processes come again.</summary>
    private static long? StartOf(int process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }
}
