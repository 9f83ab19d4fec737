using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Access;

/// <summary>On a page: which permission it needs, by key, such as <c>@attribute [Needs("users.read")]</c>. For parts of a page: <c>&lt;AuthorizeView Policy="needs:users.manage"&gt;</c>.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class NeedsAttribute(string key) : AuthorizeAttribute(Prefix + key)
{
    internal const string Prefix = "needs:";

    /// <summary>The permission's key.</summary>
    public string Key => key;
}

/// <summary>Makes a policy of each permission's key.</summary>
internal sealed class PermissionPolicies(IOptions<AuthorizationOptions> options, PermissionCatalogue catalogue) : DefaultAuthorizationPolicyProvider(options)
{
    public override async Task<AuthorizationPolicy?> GetPolicyAsync(string policyName)
    {
        if (!policyName.StartsWith(NeedsAttribute.Prefix, StringComparison.Ordinal)) return await base.GetPolicyAsync(policyName);
        var key = policyName[NeedsAttribute.Prefix.Length..];
        var permission = catalogue.Find(key) ?? throw new InvalidOperationException($"There is no permission '{key}'; its room registers it with AddPermissions.");
        return new AuthorizationPolicyBuilder(AccessPolicies.Page).RequireAuthenticatedUser().AddRequirements(new NeedsPermission(permission)).Build();
    }
}

/// <summary>Asks the guard before an endpoint runs, so that refusals are audited and nothing of the body is read; in a circuit, whether to show something.</summary>
internal sealed class PermissionHandler(Guard guard) : AuthorizationHandler<NeedsPermission>
{
    protected override async Task HandleRequirementAsync(AuthorizationHandlerContext context, NeedsPermission requirement)
    {
        if (CallerIdentity.Of(context.User) is not { } caller) return; // 401
        if (context.Resource is not HttpContext http)
        {
            // Hiding a button is no refusal: nobody asked.
            if (requirement.AnyOf.Any(caller.May)) context.Succeed(requirement);
            return;
        }
        var asked = requirement.AnyOf.FirstOrDefault(caller.May) ?? requirement.Permission;
        var refused = await guard.CheckAsync(caller with { RequestId = http.TraceIdentifier }, asked, Target(http), http.RequestAborted);
        if (refused is null) context.Succeed(requirement);
        else http.Items[typeof(Problem)] = refused;
    }

    private static string Target(HttpContext http) => $"{http.Request.Method.ToLowerInvariant()}:{(http.Request.Path.Value is { Length: > 200 } path ? path[..200] : http.Request.Path.Value)}";
}
