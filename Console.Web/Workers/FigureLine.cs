using System.Globalization;
using System.Text;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>One line of a chart of figures.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="Value">Its value in a step; null leaves a gap.</param>
public sealed record FigureLine(string Name, Func<FigurePoint, long?> Value)
{
    private const double Stub = 6;

    /// <summary>The line as an SVG path over the whole width; a step without a value breaks it.</summary>
    /// <param name="points">The steps.</param>
    /// <param name="top">Value at the upper edge.</param>
    /// <param name="width">SVG units.</param>
    /// <param name="height">SVG units.</param>
    public string Path(IReadOnlyList<FigurePoint> points, double top, int width, int height)
    {
        var path = new StringBuilder();
        var draws = false;
        for (var i = 0; i < points.Count; i++)
        {
            if (Value(points[i]) is not { } value) { draws = false; continue; }
            var x = points.Count < 2 ? width : (double)width * i / (points.Count - 1);
            var y = height * (1 - Math.Clamp(value / top, 0, 1));
            // A step alone has no line to either side: a short stroke before it makes it seen.
            if (!draws) path.Append(CultureInfo.InvariantCulture, $"M{Math.Max(0, x - Stub):0.#} {y:0.#}");
            path.Append(CultureInfo.InvariantCulture, $"L{x:0.#} {y:0.#}");
            draws = true;
        }
        return path.ToString();
    }
}
