using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Quarterdeck.Access;

namespace Quarterdeck.Web.Access;

/// <summary>Keeps the login out of the cookie: it holds only a random key, and who the user is now is read anew for each request.</summary>
internal sealed class TicketStore(SessionKeeper sessions, IHttpContextAccessor http, TimeProvider time) : ITicketStore
{
    public Task<string> StoreAsync(AuthenticationTicket ticket)
    {
        var user = Guid.Parse(ticket.Principal.FindFirstValue(ClaimTypes.NameIdentifier)!);
        var context = http.HttpContext;
        return sessions.OpenAsync(user, context?.Connection.RemoteIpAddress?.ToString(), context?.Request.Headers.UserAgent.ToString(), context?.RequestAborted ?? default);
    }

    public async Task<AuthenticationTicket?> RetrieveAsync(string key)
    {
        if (await sessions.FindAsync(key, http.HttpContext?.RequestAborted ?? default) is not { } session) return null;
        if (time.GetUtcNow() - session.LastSeenAt >= TimeSpan.FromMinutes(1)) await sessions.TouchAsync(session.SessionId, default);
        var properties = new AuthenticationProperties { IssuedUtc = session.CreatedAt, ExpiresUtc = session.ExpiresAt, AllowRefresh = false };
        return new AuthenticationTicket(new ClaimsPrincipal(new CallerIdentity(session.Caller, AccessPolicies.Page)), properties, AccessPolicies.Page);
    }

    /// <summary>Nothing to keep: the store prolongs the session itself.</summary>
    public Task RenewAsync(string key, AuthenticationTicket ticket) => Task.CompletedTask;

    public Task RemoveAsync(string key) => sessions.EndAsync(key, default);
}
