using System.Diagnostics.CodeAnalysis;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts;

/// <summary>Turns a list's <c>sort</c> into a column of an allow-list, so that no text of a request reaches SQL.</summary>
internal static class Sorting
{
    /// <summary>The column and direction; the first of <paramref name="columns"/> when nothing is asked for.</summary>
    public static bool TryResolve(PageQuery page, IReadOnlyDictionary<string, string> columns, [NotNullWhen(true)] out string? column, out bool descending, [NotNullWhen(false)] out Problem? problem)
    {
        var field = page.Sort is { Length: > 0 } sort ? sort.TrimStart('-') : columns.Keys.First();
        descending = page.Sort?.StartsWith('-') ?? false;
        problem = null;
        if (columns.TryGetValue(field, out column)) return true;
        problem = Problem.Invalid("sort", $"'{page.Sort}' is not a field of this list.", $"Use one of {string.Join(", ", columns.Keys)}, with '-' in front for descending order.");
        return false;
    }
}
