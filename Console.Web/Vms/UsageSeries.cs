using System.Globalization;
using System.Text;

namespace Quarterdeck.Web.Vms;

/// <summary>One line of a chart.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="Values">One a sample, in the chart's unit.</param>
public sealed record UsageSeries(string Name, IReadOnlyList<double> Values);

/// <summary>Turns samples into SVG paths: x runs over the last hour, y from 0 to a round maximum.</summary>
public static class UsagePlot
{
    /// <summary>Size of the drawing in SVG units.</summary>
    public const int Width = 600, Height = 140;

    /// <summary>The hour that is shown.</summary>
    public static readonly TimeSpan Span = TimeSpan.FromHours(1);

    /// <summary>The least of 1, 2 and 5 times a power of <paramref name="radix"/>'s thousand that holds the value, so that the axis has a round end.</summary>
    /// <param name="value">The largest value shown.</param>
    /// <param name="floor">The axis never ends below it.</param>
    /// <param name="radix">1000, or 1024 for bytes.</param>
    public static double RoundUp(double value, double floor, int radix)
    {
        if (value <= floor) return floor;
        var unit = 1.0;
        while (value / unit >= radix) unit *= radix;
        ReadOnlySpan<int> steps = [1, 2, 5, 10, 20, 50, 100, 200, 500];
        foreach (var step in steps)
            if (value <= step * unit) return step * unit;
        return unit * radix;
    }

    /// <summary>The path of a series; a gap of more than three intervals (the VM was off, or the console) breaks the line.</summary>
    public static string Path(IReadOnlyList<DateTimeOffset> times, IReadOnlyList<double> values, double top, DateTimeOffset now, TimeSpan interval)
    {
        var path = new StringBuilder();
        for (var i = 0; i < Math.Min(times.Count, values.Count); i++)
        {
            var x = Width * (1 - ((now - times[i]) / Span));
            if (x < 0) continue;
            var y = Height * (1 - Math.Clamp(values[i] / top, 0, 1));
            var begins = path.Length == 0 || times[i] - times[i - 1] > interval * 3;
            path.Append(CultureInfo.InvariantCulture, $"{(begins ? 'M' : 'L')}{x:0.#} {y:0.#}");
        }
        return path.ToString();
    }
}
