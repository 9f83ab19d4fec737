using System.Text;
using System.Text.RegularExpressions;

namespace Quarterdeck.Workers.Front.Assets;

/// <summary>A path with variables: <c>*</c> (once, as <c>splat</c>) for anything, <c>:name</c> for anything but a slash. Matches in time that grows with the path alone, whatever the pattern.</summary>
internal sealed partial class PathPattern
{
    private readonly Regex _regex;

    public PathPattern(string pattern)
    {
        var text = new StringBuilder("^");
        var at = 0;
        foreach (Match variable in Variable().Matches(pattern))
        {
            text.Append(Regex.Escape(pattern[at..variable.Index]));
            // in front of the path a name ends at a dot as well
            var host = pattern.StartsWith("https://", StringComparison.Ordinal) && pattern.IndexOf('/', "https://".Length) is var slash && (slash < 0 || variable.Index < slash);
            text.Append(variable.Value == "*" ? "(?<splat>.*)" : $"(?<{variable.Value[1..]}>[^/{(host ? "." : "")}]+)");
            at = variable.Index + variable.Length;
        }
        text.Append(Regex.Escape(pattern[at..])).Append('$');
        _regex = new Regex(text.ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline);
    }

    /// <summary>Whether a pattern has a <c>*</c> or a <c>:name</c>.</summary>
    public static bool HasVariables(string pattern) => Variable().IsMatch(pattern);

    /// <summary>Whether each variable stands in it once.</summary>
    public static bool IsValid(string pattern)
    {
        var names = Variable().Matches(pattern).Select(v => v.Value).ToList();
        return names.Distinct(StringComparer.Ordinal).Count() == names.Count && !(names.Contains("*") && names.Contains(":splat"));
    }

    /// <summary>What its variables stand for in a path; null when the path is another.</summary>
    public Match? Of(string path) => _regex.Match(path) is { Success: true } match ? match : null;

    /// <summary>A text with the variables of a match put in.</summary>
    /// <param name="text">With <c>:splat</c> and <c>:name</c>.</param>
    /// <param name="values">From <see cref="Of"/>.</param>
    /// <param name="encode">What is done to each value.</param>
    public static string Fill(string text, Match values, Func<string, string> encode) =>
        text.Contains(':', StringComparison.Ordinal) ? Placeholder().Replace(text, name => values.Groups[name.Value[1..]] is { Success: true } found ? encode(found.Value) : name.Value) : text;

    [GeneratedRegex(@"\*|(?<!^https?):[A-Za-z]\w*")]
    private static partial Regex Variable();

    [GeneratedRegex(@":[A-Za-z]\w*")]
    private static partial Regex Placeholder();
}
