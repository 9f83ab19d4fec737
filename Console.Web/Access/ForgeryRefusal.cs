using Microsoft.AspNetCore.Antiforgery;
using Quarterdeck.Platform;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Access;

/// <summary>Keeps other sites from sending with a person's cookie what the console's own pages send from script.</summary>
internal static class ForgeryRefusal
{
    private const string Header = "RequestVerificationToken";

    /// <summary>Requests without the page's antiforgery header are refused before their bodies are read.</summary>
    public static T RefusesForgery<T>(this T endpoints) where T : IEndpointConventionBuilder => endpoints.AddEndpointFilter(RefuseForgeryAsync);

    /// <summary>Looks at the header only: a token inside the body would have to be read before it is known who asks.</summary>
    private static async ValueTask<object?> RefuseForgeryAsync(EndpointFilterInvocationContext call, EndpointFilterDelegate next)
    {
        var http = call.HttpContext;
        try
        {
            if (!http.Request.Headers.ContainsKey(Header)) throw new AntiforgeryValidationException("The header is missing.");
            await http.RequestServices.GetRequiredService<IAntiforgery>().ValidateRequestAsync(http);
        }
        catch (AntiforgeryValidationException)
        {
            return Problem.Forbidden("The page is out of date, or was not ours. Reload it and try again.").ToHttp();
        }
        try { return await next(call); }
        catch (BadHttpRequestException e)
        {
            return TypedResults.Json(new ProblemBody("The upload cannot be read", e.StatusCode, e.Message), contentType: "application/problem+json", statusCode: e.StatusCode);
        }
    }
}
