using System.Text;
using System.Text.RegularExpressions;

namespace Quarterdeck.Workers.Projects;

/// <summary>A file <c>.assetsignore</c>: which files of the folder are not published, written as in a <c>.gitignore</c>. The last line that matches decides.</summary>
internal sealed class AssetIgnore
{
    /// <summary>Its name, at the folder's root.</summary>
    public const string FileName = ".assetsignore";

    private readonly List<(Regex Pattern, bool Ignored)> _lines = [];

    public AssetIgnore(ReadOnlyMemory<byte> file)
    {
        foreach (var text in Encoding.UTF8.GetString(file.Span).TrimStart('\uFEFF').Split('\n'))
        {
            var line = text.Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            var again = line[0] == '!';
            if (again) line = line[1..];
            if (line.TrimEnd('/').Length > 0) _lines.Add((Pattern(line), !again));
        }
    }

    /// <summary>Whether a file is left out.</summary>
    /// <param name="path">Relative to the folder.</param>
    public bool Leaves(string path)
    {
        var ignored = false;
        foreach (var (pattern, leaves) in _lines)
            if (leaves != ignored && pattern.IsMatch(path)) ignored = leaves;
        return ignored;
    }

    private static Regex Pattern(string line)
    {
        var folder = line.EndsWith('/');
        line = line.TrimEnd('/');
        // a slash inside ties the pattern to the root
        var text = new StringBuilder(line.Contains('/', StringComparison.Ordinal) ? "^" : "(^|/)");
        line = line.TrimStart('/');
        for (var i = 0; i < line.Length; i++)
            text.Append(line[i] switch
            {
                '*' when line.AsSpan(i).StartsWith("**/") => Skip(ref i, 2, "(.*/)?"),
                '*' when line.AsSpan(i).StartsWith("**") => Skip(ref i, 1, ".*"),
                '*' => "[^/]*",
                '?' => "[^/]",
                _ => Regex.Escape(line[i].ToString()),
            });
        // a folder's name leaves out all that is in it
        return new Regex(text.Append(folder ? "/" : "(/|$)").ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }

    private static string Skip(ref int at, int more, string text)
    {
        at += more;
        return text;
    }
}
