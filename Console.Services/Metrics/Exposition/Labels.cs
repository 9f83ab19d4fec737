using System.Globalization;
using System.Text;

namespace Quarterdeck.Metrics.Exposition;

/// <summary>Renders tags as they are exposed, <c>a="1",b="x"</c>, sorted by name: the text is a series' identity.</summary>
internal static class Labels
{
    [ThreadStatic]
    private static StringBuilder? _text;

    /// <summary>The labels of these tags; the builder belongs to this thread until the next call.</summary>
    public static StringBuilder Of(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var text = _text ??= new StringBuilder(128);
        text.Clear();
        if (tags.Length > 1 && !Sorted(tags))
        {
            var copy = tags.ToArray();
            Array.Sort(copy, (a, b) => string.CompareOrdinal(a.Key, b.Key));
            tags = copy;
        }
        foreach (var (name, value) in tags)
        {
            if (text.Length > 0) text.Append(',');
            text.Append(PrometheusName.Label(name)).Append("=\"");
            PrometheusName.AppendValue(text, value switch
            {
                string s => s,
                bool b => b ? "true" : "false",
                null => "",
                _ => Convert.ToString(value, CultureInfo.InvariantCulture),
            });
            text.Append('"');
        }
        return text;
    }

    private static bool Sorted(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        for (var i = 1; i < tags.Length; i++)
            if (string.CompareOrdinal(tags[i - 1].Key, tags[i].Key) > 0) return false;
        return true;
    }
}
