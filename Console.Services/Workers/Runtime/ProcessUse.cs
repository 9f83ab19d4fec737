using System.Globalization;

namespace Quarterdeck.Workers.Runtime;

/// <summary>What the kernel knows of a process.</summary>
internal static class ProcessUse
{
    // USER_HZ is 100 on every Linux architecture that workerd runs on.
    private const double TicksASecond = 100;

    /// <summary>CPU seconds of the process, user and kernel; null when it ended.</summary>
    public static double? Cpu(int pid)
    {
        // pid (name, which may hold anything) state parent … with user and kernel time as the 14th and 15th.
        if (Read($"/proc/{pid}/stat") is not { } stat || stat.LastIndexOf(')') is not (> 0 and var end)) return null;
        var fields = stat[(end + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksASecond;
    }

    /// <summary>Resident bytes; 0 when it ended.</summary>
    public static long Resident(int pid) =>
        Read($"/proc/{pid}/statm") is { } statm && statm.Split(' ') is [_, var pages, ..] ? long.Parse(pages, CultureInfo.InvariantCulture) * Environment.SystemPageSize : 0;

    private static string? Read(string path)
    {
        try { return File.ReadAllText(path); }
        catch (IOException) { return null; }
    }
}
