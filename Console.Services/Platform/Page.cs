namespace Quarterdeck.Platform;

/// <summary>One page of a list, as REST and the grids show it.</summary>
/// <param name="Items">The rows of this page.</param>
/// <param name="Total">How many rows match in all.</param>
/// <param name="Number">The page's number, from 1.</param>
/// <param name="Size">Rows a page, at most <see cref="PageQuery.MaxSize"/>.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, int Total, int Number, int Size);

/// <summary>Which rows of a list are wanted.</summary>
/// <param name="Number">The page's number, from 1.</param>
/// <param name="Size">Rows a page, 1 to <see cref="MaxSize"/>.</param>
/// <param name="Sort">A field's REST name, with a minus in front for descending order; null for the list's own order.</param>
/// <param name="Search">Text to find, case-insensitively; null for all.</param>
public sealed record PageQuery(int Number = 1, int Size = 50, string? Sort = null, string? Search = null)
{
    /// <summary>The most rows a page may have.</summary>
    public const int MaxSize = 500;

    /// <summary>Rows before this page.</summary>
    public int Offset => (Number - 1) * Size;
}
