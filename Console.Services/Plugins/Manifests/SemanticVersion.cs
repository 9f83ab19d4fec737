using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Quarterdeck.Plugins.Manifests;

/// <summary>MAJOR.MINOR.PATCH with an optional pre-release, ordered as semver.org says.</summary>
internal sealed partial record SemanticVersion(long Major, long Minor, long Patch, string Pre) : IComparable<SemanticVersion>
{
    [GeneratedRegex(@"^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})(?:-(?<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?\z")]
    private static partial Regex Pattern();

    /// <summary>The version of this console.</summary>
    public static SemanticVersion OfConsole { get; } =
        TryParse(typeof(SemanticVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "", out var own) ? own : new SemanticVersion(0, 0, 0, "");

    public override string ToString() => $"{Major}.{Minor}.{Patch}{(Pre.Length > 0 ? "-" : "")}{Pre}";

    public static bool TryParse(string text, out SemanticVersion version)
    {
        var match = Pattern().Match(text);
        long Number(int group) => long.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);
        version = match.Success ? new SemanticVersion(Number(1), Number(2), Number(3), match.Groups["pre"].Value) : new SemanticVersion(0, 0, 0, "");
        return match.Success;
    }

    public int CompareTo(SemanticVersion? other)
    {
        if (other is null) return 1;
        var order = (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));
        if (order != 0) return order;
        // A pre-release comes before its release.
        if (Pre.Length == 0 || other.Pre.Length == 0) return other.Pre.Length.CompareTo(Pre.Length);
        var (mine, theirs) = (Pre.Split('.'), other.Pre.Split('.'));
        for (var i = 0; i < Math.Min(mine.Length, theirs.Length); i++)
            if (Part(mine[i], theirs[i]) is not 0 and var part) return part;
        return mine.Length.CompareTo(theirs.Length);
    }

    private static int Part(string a, string b) => (long.TryParse(a, NumberStyles.None, CultureInfo.InvariantCulture, out var x), long.TryParse(b, NumberStyles.None, CultureInfo.InvariantCulture, out var y)) switch
    {
        (true, true) => x.CompareTo(y),
        (true, false) => -1,
        (false, true) => 1,
        _ => string.CompareOrdinal(a, b),
    };
}

/// <summary>Comparisons that must all hold, such as <c>&gt;=0.1.0 &lt;1.0.0</c>.</summary>
internal sealed record VersionRange(IReadOnlyList<(string Operator, SemanticVersion Version)> Comparisons)
{
    public static bool TryParse(string text, out VersionRange range)
    {
        var comparisons = new List<(string, SemanticVersion)>();
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var sign = Array.Find([">=", "<=", ">", "<", "="], s => word.StartsWith(s, StringComparison.Ordinal)) ?? "";
            if (!SemanticVersion.TryParse(word[sign.Length..], out var version)) { comparisons.Clear(); break; }
            comparisons.Add((sign, version));
        }
        range = new VersionRange(comparisons);
        return comparisons.Count > 0;
    }

    public bool Holds(SemanticVersion version) => Comparisons.All(c => (c.Operator, version.CompareTo(c.Version)) switch
    {
        (">=", var order) => order >= 0,
        ("<=", var order) => order <= 0,
        (">", var order) => order > 0,
        ("<", var order) => order < 0,
        (_, var order) => order == 0,
    });
}
