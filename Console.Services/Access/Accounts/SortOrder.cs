namespace Quarterdeck.Access.Accounts;

/// <summary>From a list's sort word to SQL; only columns named here ever reach it.</summary>
internal static class SortOrder
{
    /// <summary>An <c>ORDER BY</c> term; an unknown field falls back to the list's own order.</summary>
    internal static string Of(string? sort, string fallback, params ReadOnlySpan<(string Field, string Column)> known)
    {
        if (sort is null) return fallback;
        var (field, direction) = sort.StartsWith('-') ? (sort[1..], " DESC") : (sort, "");
        foreach (var (name, column) in known)
            if (name.Equals(field, StringComparison.OrdinalIgnoreCase)) return column + direction;
        return fallback;
    }
}
