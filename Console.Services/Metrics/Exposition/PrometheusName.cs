using System.Collections.Concurrent;
using System.Text;

namespace Quarterdeck.Metrics.Exposition;

/// <summary>Names and texts as Prometheus' text format wants them.</summary>
internal static class PrometheusName
{
    private static readonly ConcurrentDictionary<string, string> Known = new();

    /// <summary><c>quarterdeck.database.command.duration</c> in <c>s</c> becomes <c>quarterdeck_database_command_duration_seconds</c>; counters end in <c>_total</c>.</summary>
    public static string Metric(string name, string? unit, bool counter)
    {
        var text = Clean(name, colon: true);
        var suffix = unit switch
        {
            null or "" or "1" => "",
            "s" => "_seconds",
            "ms" => "_milliseconds",
            "By" => "_bytes",
            "%" => "_percent",
            _ when unit.StartsWith('{') => "", // {request}: what is counted, no unit
            _ => "_" + Clean(unit, colon: false),
        };
        if (!text.EndsWith(suffix, StringComparison.Ordinal)) text += suffix;
        return counter && !text.EndsWith("_total", StringComparison.Ordinal) ? text + "_total" : text;
    }

    /// <summary>A label's name. Names are constants in the code, so there are few, and they are remembered.</summary>
    public static string Label(string name) => Known.GetOrAdd(name, static n => Clean(n, colon: false));

    /// <summary>Appends a label's value, escaped.</summary>
    public static void AppendValue(StringBuilder to, ReadOnlySpan<char> value)
    {
        foreach (var c in value)
        {
            _ = c switch { '\\' => to.Append(@"\\"), '"' => to.Append("\\\""), '\n' => to.Append("\\n"), _ => to.Append(c) };
        }
    }

    /// <summary>A help text, escaped.</summary>
    public static string Help(string text) => text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Clean(string name, bool colon)
    {
        var text = new StringBuilder(name.Length + 1);
        foreach (var c in name) text.Append(char.IsAsciiLetterOrDigit(c) || c == '_' || (colon && c == ':') ? c : '_');
        if (text.Length == 0 || char.IsAsciiDigit(text[0])) text.Insert(0, '_');
        return text.ToString();
    }
}
