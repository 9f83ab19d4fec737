using System.Text;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Front.Assets;
using Quarterdeck.Workers.Front.Http;

namespace Quarterdeck.Workers.Registry;

/// <summary>Reads <c>_redirects</c> and <c>_headers</c> of a folder of static files, as Cloudflare's tools have them. A line that cannot be followed is left out and told, as it is there.</summary>
internal sealed class AssetRuleFiles(List<FieldError> errors, List<string> warnings)
{
    /// <summary>Names of the two files, at the folder's root. They are not served.</summary>
    public const string Redirects = "_redirects", Headers = "_headers";

    private const int MostStatic = 2000, MostVariable = 100, LongestRedirect = 1000, MostBlocks = 100, LongestHeader = 2000;

    public IReadOnlyList<AssetRedirect> ReadRedirects(ReadOnlyMemory<byte> file)
    {
        var (found, seen) = (new List<AssetRedirect>(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var (line, number) in Lines(file))
        {
            var words = line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 3 && words[3].StartsWith('#')) words = words[..3];
            var status = 302;
            var why = line.Length > LongestRedirect ? $"it has more than {LongestRedirect} characters"
                : words.Length is not (2 or 3) ? "it is not 'from to status'"
                : words.Length == 3 && (!int.TryParse(words[2], out status) || status is not (200 or 301 or 302 or 303 or 307 or 308)) ? $"'{words[2]}' is no status of 200, 301, 302, 303, 307, 308"
                : !words[0].StartsWith('/') ? "what it is from is no path of this worker"
                : !PathPattern.IsValid(words[0]) ? "a path may have one * and each :name once"
                : !IsTarget(words[1], status) ? status == 200 ? "status 200 needs a path of this worker" : "its target is neither a path nor an http address"
                : status == 200 && words[0] is "/*" && words[1] is "/index.html" or "/index" or "/" ? "it would go round in circles: assets.not_found_handling = \"single-page-application\" does what is meant"
                : !seen.Add(words[0]) ? "an earlier line has the same path" : null;
            if (why is null) found.Add(new AssetRedirect(Uri.UnescapeDataString(words[0].Split('#')[0]), words[1], status));
            else warnings.Add($"{Redirects}, line {number} was left out: {why}.");
        }
        Count(Redirects, "lines without variables", found.Count(r => !PathPattern.HasVariables(r.From)), MostStatic);
        Count(Redirects, "lines with * or :name", found.Count(r => PathPattern.HasVariables(r.From)), MostVariable);
        return found;
    }

    public IReadOnlyList<AssetHeaders> ReadHeaders(ReadOnlyMemory<byte> file)
    {
        var found = new List<AssetHeaders>();
        List<AssetHeader>? set = null;
        List<string> remove = [];
        foreach (var (line, number) in Lines(file))
        {
            if (line.Length > LongestHeader) { Leave(number, $"it has more than {LongestHeader} characters"); continue; }
            if (line.StartsWith('/') || line.StartsWith("https://", StringComparison.Ordinal))
            {
                (set, remove) = (null, []);
                if (!PathPattern.IsValid(line)) Leave(number, "a path may have one * and each :name once");
                else found.Add(new AssetHeaders(line.StartsWith('/') ? Uri.UnescapeDataString(line) : line, set = [], remove));
                continue;
            }
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var name = (line.StartsWith('!') ? line[1..] : colon < 0 ? "" : line[..colon]).Trim();
            var value = line.StartsWith('!') ? "" : line[(colon + 1)..].Trim();
            if (set is null) Leave(number, "no path stands before it");
            else if (!HeaderRules.IsName(name)) Leave(number, "it is not 'name: value'");
            else if (HeaderRules.StaysOut(name) || name.Equals("Set-Cookie", StringComparison.OrdinalIgnoreCase) && HeaderRules.SetsOwnCookie(value)) Leave(number, $"'{name}' is set by the platform");
            else if (value.Any(c => c is < ' ' and not '\t' or '\x7f' or > '\xff')) Leave(number, "its value has characters that no header has");
            else if (line.StartsWith('!')) remove.Add(name);
            else set.Add(new AssetHeader(name, value));
        }
        Count(Headers, "blocks", found.Count, MostBlocks);
        return found;

        void Leave(int number, string why) => warnings.Add($"{Headers}, line {number} was left out: {why}.");
    }

    private void Count(string file, string what, int count, int most)
    {
        if (count > most) errors.Add(new($"assets[{file}]", $"It has {count} {what}.", $"Give at most {most}."));
    }

    private static IEnumerable<(string Text, int Number)> Lines(ReadOnlyMemory<byte> file) =>
        Encoding.UTF8.GetString(file.Span).TrimStart('\uFEFF').Split('\n').Select((l, i) => (Text: l.Trim(), Number: i + 1)).Where(l => l.Text.Length > 0 && l.Text[0] != '#');

    private static bool IsTarget(string target, int status) => !target.AsSpan().ContainsAnyInRange('\0', ' ') && (target.StartsWith('/') && !target.StartsWith("//", StringComparison.Ordinal)
        || status != 200 && (target.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || target.StartsWith("http://", StringComparison.OrdinalIgnoreCase)));
}
