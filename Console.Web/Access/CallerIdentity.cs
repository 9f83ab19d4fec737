using System.Security.Claims;
using Quarterdeck.Access;

namespace Quarterdeck.Web.Access;

/// <summary>The identity of a request or circuit, with the caller that rooms ask for.</summary>
public sealed class CallerIdentity(Caller caller, string scheme) : ClaimsIdentity(Describe(caller), scheme)
{
    /// <summary>Who asks.</summary>
    public Caller Caller => caller;

    /// <summary>The caller behind a principal; null when nobody is signed in.</summary>
    public static Caller? Of(ClaimsPrincipal? principal) => principal?.Identities.OfType<CallerIdentity>().FirstOrDefault(i => i.IsAuthenticated)?.Caller;

    private static IEnumerable<Claim> Describe(Caller caller)
    {
        yield return new Claim(ClaimTypes.Name, caller.Name);
        yield return new Claim(ClaimTypes.Role, caller.Role.ToString().ToLowerInvariant());
        if (caller.Id is { } id) yield return new Claim(ClaimTypes.NameIdentifier, id.ToString());
    }
}
