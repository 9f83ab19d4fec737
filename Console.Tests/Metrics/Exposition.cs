using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Quarterdeck.Tests.Metrics;

/// <summary>A strict reader of Prometheus' text format, written from its description: what it cannot read is an error.</summary>
internal sealed partial class Exposition
{
    private readonly Dictionary<string, string> _types = [];
    private readonly Dictionary<string, double> _values = [];

    public Exposition(string text)
    {
        text.ShouldEndWith("\n");
        string? family = null;
        var done = new HashSet<string>();
        foreach (var line in text[..^1].Split('\n'))
        {
            if (HelpLine().IsMatch(line)) continue;
            if (TypeLine().Match(line) is { Success: true } type)
            {
                family = type.Groups[1].Value;
                done.Add(family).ShouldBeTrue($"{family} has two TYPE lines");
                _types[family] = type.Groups[2].Value;
                continue;
            }
            var sample = SampleLine().Match(line);
            sample.Success.ShouldBeTrue($"unreadable: {line}");
            var name = sample.Groups["name"].Value;
            (name == family || (_types[family!] == "histogram" && HistogramSuffix().Replace(name, "") == family)).ShouldBeTrue($"{name} stands under {family}");
            var labels = LabelPair().Matches(sample.Groups["labels"].Value).Select(l => (Name: l.Groups[1].Value, Value: Unescape(l.Groups[2].Value))).ToArray();
            labels.Select(l => l.Name).ShouldBeUnique();
            _values.TryAdd(Key(name, labels), Number(sample.Groups["value"].Value)).ShouldBeTrue($"twice: {line}");
        }
    }

    public string TypeOf(string name) => _types[name];

    public IEnumerable<string> Names => _types.Keys;

    public double this[string name, params (string Name, string Value)[] labels] => _values[Key(name, labels)];

    public bool Has(string name, params (string Name, string Value)[] labels) => _values.ContainsKey(Key(name, labels));

    public int Count(string name) => _values.Keys.Count(k => k.StartsWith(name + "|", StringComparison.Ordinal));

    private static string Key(string name, (string Name, string Value)[] labels) => name + "|" + string.Join("|", labels.OrderBy(l => l.Name, StringComparer.Ordinal).Select(l => $"{l.Name}={l.Value}"));

    private static double Number(string text) => text switch { "+Inf" => double.PositiveInfinity, "-Inf" => double.NegativeInfinity, _ => double.Parse(text, CultureInfo.InvariantCulture) };

    private static string Unescape(string text)
    {
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
            plain.Append(text[i] == '\\' ? text[++i] switch { 'n' => '\n', '\\' => '\\', '"' => '"', var c => throw new FormatException($"\\{c}") } : text[i]);
        return plain.ToString();
    }

    [GeneratedRegex(@"^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* .*$")]
    private static partial Regex HelpLine();

    [GeneratedRegex(@"^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$")]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>([a-zA-Z_][a-zA-Z0-9_]*=""([^""\\\n]|\\[\\n""])*"",?)+)\})? (?<value>[+-]?(Inf|NaN|[0-9.]+([eE][+-]?[0-9]+)?))$")]
    private static partial Regex SampleLine();

    [GeneratedRegex(@"([a-zA-Z_][a-zA-Z0-9_]*)=""((?:[^""\\\n]|\\[\\n""])*)""")]
    private static partial Regex LabelPair();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex HistogramSuffix();
}
