using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.AspNetCore.Routing.Template;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Api;

/// <summary>What no endpoint took under <c>/api</c>: 401 without a token, 405 with <c>Allow</c> where the path exists with other methods, else 404.</summary>
/// <remarks>A catch-all takes every method, so routing's own 405 never comes; it would have come before 401 anyway.</remarks>
internal static class UnknownRoutes
{
    public static void Map(WebApplication app) =>
        app.Map("/api/{**rest}", Answer).RequireAuthorization(AccessPolicies.Bearer).DisableAntiforgery().ExcludeFromDescription().WithOrder(int.MaxValue);

    private static IResult Answer(HttpContext context, EndpointDataSource endpoints)
    {
        var allowed = endpoints.Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Order != int.MaxValue && Matches(e.RoutePattern, context.Request.Path))
            .SelectMany(e => e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [])
            .Distinct().Order(StringComparer.Ordinal).ToArray();
        if (allowed.Length == 0) return TypedResults.StatusCode(StatusCodes.Status404NotFound);
        context.Response.Headers.Allow = string.Join(", ", allowed);
        return TypedResults.StatusCode(StatusCodes.Status405MethodNotAllowed);
    }

    private static bool Matches(RoutePattern pattern, PathString path) =>
        pattern.RawText is { } text && text.TrimStart('/').StartsWith("api/", StringComparison.Ordinal)
        && new TemplateMatcher(new RouteTemplate(pattern), []).TryMatch(path, []);
}
