using System.Globalization;
using System.Reflection;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Api;

/// <summary>Binds <c>page</c>, <c>pageSize</c>, <c>sort</c> and <c>search</c> of a list; a wrong one is 422 that names it.</summary>
/// <remarks>Take it as a parameter of the endpoint, then ask <see cref="Page"/> with the fields that may be sorted by.</remarks>
public sealed class ListQuery : Microsoft.AspNetCore.Http.Metadata.IEndpointParameterMetadataProvider
{
    private ListQuery(int page, int pageSize, string? sort, string? search) => (Number, Size, Sort, Search) = (page, pageSize, sort, search);

    /// <summary>The page's number, from 1.</summary>
    public int Number { get; }

    /// <summary>Rows a page, 1 to 500.</summary>
    public int Size { get; }

    /// <summary>As sent: a field, with a minus in front for descending order.</summary>
    public string? Sort { get; }

    /// <summary>As sent; null when empty.</summary>
    public string? Search { get; }

    /// <summary>The query for the room, or what is wrong with <c>sort</c>.</summary>
    /// <param name="sortable">REST names of the fields that may be sorted by.</param>
    public Result<PageQuery> Page(params IReadOnlyCollection<string> sortable) =>
        Sort is null || sortable.Contains(Sort.TrimStart('-'))
            ? new PageQuery(Number, Size, Sort, Search)
            : Problem.Invalid("sort", $"There is no order by '{Sort}'.", $"Use one of {string.Join(", ", sortable)}, with '-' in front for descending order.");

    /// <summary>Called by the framework.</summary>
    /// <exception cref="ProblemException">A value is wrong.</exception>
    public static ValueTask<ListQuery> BindAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var errors = new List<FieldError>();
        var page = Read("page", 1, 1, 1_000_000);
        var size = Read("pageSize", 50, 1, PageQuery.MaxSize);
        var search = query["search"].ToString();
        if (search.Length > 200) errors.Add(new("search", "It is longer than 200 characters.", "Search for less."));
        if (errors.Count > 0) throw new ProblemException(Problem.Invalid(errors));
        var sort = query["sort"].ToString();
        return ValueTask.FromResult(new ListQuery(page, size, sort.Length == 0 ? null : sort, search.Length == 0 ? null : search));

        int Read(string key, int standard, int least, int most)
        {
            var text = query[key].ToString();
            if (text.Length == 0) return standard;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most) return value;
            errors.Add(new(key, $"'{text}' is not a number from {least} to {most}.", $"Send {key}={standard}, or leave it out."));
            return standard;
        }
    }

    static void Microsoft.AspNetCore.Http.Metadata.IEndpointParameterMetadataProvider.PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new ListParameters());
}

/// <summary>Endpoint metadata: it takes the four list parameters; OpenAPI lists them.</summary>
internal sealed record ListParameters;
