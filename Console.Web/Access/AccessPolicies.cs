using Microsoft.AspNetCore.Authorization;
using Quarterdeck.Access;

namespace Quarterdeck.Web.Access;

/// <summary>Names of authentication schemes and authorisation policies.</summary>
public static class AccessPolicies
{
    /// <summary>Scheme and policy of REST and the hub: <c>Authorization: Bearer</c> only, cookies are ignored.</summary>
    public const string Bearer = "Bearer";

    /// <summary>Scheme and policy of pages: the login cookie only.</summary>
    public const string Page = "Identity.Application";

    /// <summary>Says which permission an endpoint needs: 401 and 403 are answered (and audited) before anything of the body is read.</summary>
    /// <remarks>The service behind checks again; this only decides the order of answers.</remarks>
    public static TBuilder Needs<TBuilder>(this TBuilder endpoint, Permission permission) where TBuilder : IEndpointConventionBuilder => endpoint.NeedsAny(permission);

    /// <summary>Says that an endpoint needs any one of some permissions; a refusal names the first.</summary>
    public static TBuilder NeedsAny<TBuilder>(this TBuilder endpoint, params Permission[] permissions) where TBuilder : IEndpointConventionBuilder
    {
        endpoint.Add(b => b.Metadata.Add(new NeedsPermission(permissions)));
        return endpoint;
    }
}

/// <summary>Endpoint metadata: the permissions of which it needs one.</summary>
public sealed record NeedsPermission(params IReadOnlyList<Permission> AnyOf) : IAuthorizationRequirementData, IAuthorizationRequirement
{
    /// <summary>The one that a refusal names.</summary>
    public Permission Permission => AnyOf[0];

    /// <inheritdoc/>
    public IEnumerable<IAuthorizationRequirement> GetRequirements() => [this];
}
