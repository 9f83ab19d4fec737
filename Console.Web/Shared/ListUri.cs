using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.WebUtilities;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Shared;

/// <summary>A list's filters, order, page, search and columns, as the address holds them.</summary>
/// <remarks>The names are those of REST: <c>page</c>, <c>pageSize</c>, <c>sort</c>, <c>search</c>; <c>columns</c> lists hidden ones.</remarks>
public sealed class ListUri
{
    private readonly NavigationManager _navigation;
    private readonly Dictionary<string, string> _values;

    private ListUri(NavigationManager navigation, Dictionary<string, string> values) => (_navigation, _values) = (navigation, values);

    /// <summary>Reads the present address.</summary>
    public static ListUri Of(NavigationManager navigation) => new(navigation,
        QueryHelpers.ParseQuery(new Uri(navigation.Uri).Query).Where(p => p.Value.ToString().Length > 0).ToDictionary(p => p.Key, p => p.Value.ToString(), StringComparer.Ordinal));

    /// <summary>A parameter's value, or null.</summary>
    public string? Value(string key) => _values.GetValueOrDefault(key);

    /// <summary>Page number from 1; nonsense counts as 1.</summary>
    public int Page => int.TryParse(Value("page"), NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n is > 0 and < 1_000_000 ? n : 1;

    /// <summary>Rows a page: what the address says within 1 to 500, else <paramref name="standard"/>.</summary>
    public int Size(int standard) => int.TryParse(Value("pageSize"), NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n is > 0 and <= PageQuery.MaxSize ? n : standard;

    /// <summary>The text searched for, or null.</summary>
    public string? Search => Value("search");

    /// <summary>Keys of the columns that the reader hid.</summary>
    public IReadOnlySet<string> Hidden => Value("hide")?.Split(',').ToHashSet(StringComparer.Ordinal) ?? [];

    /// <summary>The same as a query of a room; an order by a field that is not in <paramref name="sortable"/> is dropped.</summary>
    public PageQuery ToPageQuery(IReadOnlyCollection<string> sortable, string? sort = null, int size = 50)
    {
        var wanted = Value("sort");
        return new PageQuery(Page, Size(size), wanted is not null && sortable.Contains(wanted.TrimStart('-')) ? wanted : sort, Search);
    }

    /// <summary>The address with some parameters changed; null or empty removes one.</summary>
    public string With(params IReadOnlyList<(string Key, string? Value)> changes) =>
        _navigation.GetUriWithQueryParameters(changes.ToDictionary(c => c.Key, c => (object?)(string.IsNullOrEmpty(c.Value) ? null : c.Value)));
}
