using System.Diagnostics;
using Quarterdeck.Access;

namespace Quarterdeck.Web.Access;

/// <summary>Who asks, for REST endpoints and inside Blazor circuits and pages. Ask it for each action, never keep the answer: a session may have ended.</summary>
public sealed class CallerAccessor(IHttpContextAccessor http, CircuitAuthentication circuit)
{
    /// <summary>The caller of this request or circuit.</summary>
    /// <exception cref="UnauthorizedAccessException">Nobody is signed in (any more); the pipeline answers 401 before that can happen to an endpoint that needs a caller.</exception>
    public async ValueTask<Caller> GetAsync()
    {
        // In a circuit the HTTP context, if any, is that of its first connection: the circuit's own state is newer.
        if (!circuit.IsSet) return FromHttp(http.HttpContext ?? throw Nobody());
        var caller = CallerIdentity.Of((await circuit.GetAuthenticationStateAsync()).User) ?? throw Nobody();
        return caller with { RequestId = Activity.Current?.TraceId.ToString() ?? caller.RequestId };
    }

    /// <summary>The caller of an HTTP request.</summary>
    /// <exception cref="UnauthorizedAccessException">Nobody is signed in.</exception>
    public static Caller FromHttp(HttpContext context) => (CallerIdentity.Of(context.User) ?? throw Nobody()) with { RequestId = context.TraceIdentifier };

    private static UnauthorizedAccessException Nobody() => new("Nobody is signed in. The session may have ended; sign in again.");
}
