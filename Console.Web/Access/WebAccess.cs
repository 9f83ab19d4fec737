using Quarterdeck.Platform;

namespace Quarterdeck.Web.Access;

/// <summary>What the composition (<c>QuarterdeckApp</c>) calls for authentication, authorisation and the hardening of answers.</summary>
public static class WebAccess
{
    /// <summary>Schemes, policies, antiforgery, the circuit's authentication state and <see cref="CallerAccessor"/>; call after <c>AddAccess</c>.</summary>
    public static IServiceCollection AddWebAccess(this IServiceCollection services, ConsoleOptions options)
    {
        services.AddHttpContextAccessor();
        services.AddScoped<CallerAccessor>();
        services.AddScoped<CspNonce>();
        _ = options;
        return services;
    }

    /// <summary>First in the pipeline, before static files: host check, security headers, Origin check.</summary>
    public static WebApplication UseHardening(this WebApplication app) => app;

    /// <summary>After routing and before endpoints: authentication, authorisation, antiforgery.</summary>
    public static WebApplication UseWebAccess(this WebApplication app) => app;

    /// <summary>REST of users, tokens, audit and <c>/me</c>, on the group <c>/api/v1</c> which the policy <see cref="AccessPolicies.Bearer"/> guards.</summary>
    public static IEndpointRouteBuilder MapAccess(this IEndpointRouteBuilder api) => api;
}

/// <summary>The nonce of this answer: every inline <c>&lt;script&gt;</c>, <c>&lt;style&gt;</c> and import map of <c>App.razor</c> carries it (<c>nonce="@Csp.Value"</c>).</summary>
public sealed class CspNonce
{
    /// <summary>128 random bits in base64.</summary>
    public string Value { get; } = Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(16));
}
