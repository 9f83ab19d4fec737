using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Access;

/// <summary><c>Authorization: Bearer</c>; on the hub also <c>?access_token=</c>, because browsers cannot send headers with a WebSocket.</summary>
internal sealed class BearerHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, TokenVerifier tokens, PluginCallers plugins)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    private const string Word = "Bearer ";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (SecretOf(Request) is not { Length: > 0 } secret) return AuthenticateResult.NoResult();
        var known = secret.StartsWith(PluginCallers.Prefix, StringComparison.Ordinal)
            ? await plugins.VerifyAsync(secret, Context.TraceIdentifier, Context.RequestAborted)
            : await tokens.VerifyAsync(secret, Context.TraceIdentifier, Context.RequestAborted);
        return known is { } caller
            ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new CallerIdentity(caller, AccessPolicies.Bearer)), AccessPolicies.Bearer))
            : AuthenticateResult.Fail("The token is unknown, expired or revoked.");
    }

    /// <summary>The token as it was sent; null when none was.</summary>
    internal static string? SecretOf(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (header.StartsWith(Word, StringComparison.OrdinalIgnoreCase)) return header[Word.Length..].Trim();
        return request.Path.StartsWithSegments("/hubs") ? request.Query["access_token"] : (string?)null;
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var failed = (await HandleAuthenticateOnceSafeAsync()).Failure is not null;
        Response.Headers.WWWAuthenticate = failed ? "Bearer error=\"invalid_token\"" : "Bearer";
        var body = ProblemBody.Of(StatusCodes.Status401Unauthorized, Context);
        await (failed ? body with { Detail = "The token is unknown, expired or revoked. Make a new one under Administration, Tokens." } : body).WriteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        (Context.Items[typeof(Problem)] is Problem refused ? ProblemBody.Of(refused) : ProblemBody.Of(StatusCodes.Status403Forbidden, Context)).WriteAsync(Context);
}
