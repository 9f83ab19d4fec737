using System.Text.RegularExpressions;

namespace Quarterdeck.Tests.House;

/// <summary>The rules on the text of tracked files. Each returns one line a violation, with the remedy.</summary>
internal static partial class SourceRules
{
    /// <summary>How long a source file may be, in lines.</summary>
    private static readonly Dictionary<string, int> MostLines = new() { [".cs"] = 300, [".razor"] = 250 };

    [GeneratedRegex(@"https?://[^\s""'<>)]*(nuget|npmjs|npmmirror|yarnpkg|pypi|jsdelivr|unpkg|cdnjs|packages\.microsoft|artifactory|nexus|registry|debian\.org)", RegexOptions.IgnoreCase)]
    private static partial Regex PackageHost();

    // Written in parts, so that this file is not its own violation.
    [GeneratedRegex(@"(?<![\w.:])/(" + "work|root|Users" + @")/\w|(?<![\w.:])/" + "home" + @"/\w")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\b(TO" + @"DO|FIX" + @"ME|HA" + @"CK)\b|Not" + "ImplementedException")]
    private static partial Regex Unfinished();

    [GeneratedRegex("#pragma" + @"\s+warning|\[(assembly:\s*)?Suppress" + "Message|<No" + "Warn>(?!\\$\\(NoWarn\\);(CS1591;NU1603|NU1605)</NoWarn>)")]
    private static partial Regex Silenced();

    public static IEnumerable<string> Length(string path, string text) =>
        MostLines.TryGetValue(Path.GetExtension(path), out var most) && text.AsSpan().TrimEnd('\n').Count('\n') + 1 is var lines && lines > most
            ? [$"{path} has {lines} lines, {most} are allowed: split it by what its parts do."] : [];

    public static IEnumerable<string> PackageHosts(string path, string text) =>
        Find(path, text, PackageHost(), "names a package host: packages come from whatever source the machine is configured for");

    public static IEnumerable<string> MachinePaths(string path, string text) =>
        Find(path, text, MachinePath(), "names a path of one machine: make it relative, or a setting");

    public static IEnumerable<string> UnfinishedWork(string path, string text) =>
        Path.GetExtension(path) is ".md" ? [] : Find(path, text, Unfinished(), "is unfinished: do it, or file an issue and say what happens until then");

    public static IEnumerable<string> SilencedWarnings(string path, string text) =>
        Path.GetExtension(path) is ".cs" or ".razor" or ".csproj" or ".props" or ".targets" ? Find(path, text, Silenced(), "silences a warning: mend its cause") : [];

    private static IEnumerable<string> Find(string path, string text, Regex pattern, string problem) =>
        text.Split('\n').Index().Where(line => pattern.IsMatch(line.Item)).Select(line => $"{path}:{line.Index + 1} {problem}: {line.Item.Trim()[..Math.Min(line.Item.Trim().Length, 160)]}");
}
