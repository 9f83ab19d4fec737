using System.Globalization;

namespace Quarterdeck.Platform.Processes;

/// <summary>The kernel's process table.</summary>
internal static class ProcessTable
{
    /// <summary>Whether a member of the process group is neither dead nor a zombie.</summary>
    public static bool GroupRuns(int group)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out _)) continue;
            string stat;
            try { stat = File.ReadAllText(folder + "/stat"); }
            catch (IOException) { continue; } // it ended meanwhile
            // pid (name, which may hold anything) state parent group …
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ', 4);
            if (fields[0] is not ("Z" or "X") && int.Parse(fields[2], CultureInfo.InvariantCulture) == group) return true;
        }
        return false;
    }
}
