using Microsoft.AspNetCore.Components.Authorization;
using Quarterdeck.Access;

namespace Quarterdeck.Web.Access;

/// <summary>Who asks, for REST endpoints (inject it, or take <c>Caller</c> from <see cref="FromHttp"/>) and inside Blazor circuits and pages.</summary>
public sealed class CallerAccessor(IHttpContextAccessor http, IServiceProvider services)
{
    /// <summary>The caller of this request or circuit.</summary>
    /// <exception cref="UnauthorizedAccessException">Nobody is signed in; the pipeline answers 401 before that can happen to an endpoint that needs a caller.</exception>
    public async ValueTask<Caller> GetAsync() =>
        http.HttpContext is { } context && !context.WebSockets.IsWebSocketRequest
            ? FromHttp(context)
            : throw new NotImplementedException($"{services.GetService<AuthenticationStateProvider>()}");

    /// <summary>The caller of an HTTP request.</summary>
    public static Caller FromHttp(HttpContext context) => throw new NotImplementedException($"{context}");
}
