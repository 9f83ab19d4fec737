using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server.Circuits;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Access;

/// <summary>What the composition (<c>QuarterdeckApp</c>) calls for authentication, authorisation and the hardening of answers.</summary>
public static class WebAccess
{
    private const string ByPath = "ByPath";

    /// <summary>Schemes, policies, antiforgery, the circuit's authentication state and <see cref="CallerAccessor"/>; call after <c>AddAccess</c> and <c>AddRazorComponents</c>.</summary>
    public static IServiceCollection AddWebAccess(this IServiceCollection services, ConsoleOptions options)
    {
        services.AddHttpContextAccessor();
        services.AddScoped<CspNonce>();
        services.AddSingleton(provider => new RequestOrigin(options, provider.GetRequiredService<IConfiguration>()));
        services.AddSingleton<ITicketStore, TicketStore>();
        services.AddScoped<CallerAccessor>();
        services.AddScoped<CircuitAuthentication>();
        services.AddScoped<AuthenticationStateProvider>(provider => provider.GetRequiredService<CircuitAuthentication>());
        services.AddScoped<CircuitHandler, SessionCircuit>();
        services.AddCascadingAuthenticationState();
        services.AddSchemes();
        services.AddSingleton<IAuthorizationPolicyProvider, PermissionPolicies>();
        services.AddSingleton<IAuthorizationHandler, PermissionHandler>();
        services.AddAuthorizationBuilder()
            .AddPolicy(AccessPolicies.Bearer, p => p.AddAuthenticationSchemes(AccessPolicies.Bearer).RequireAuthenticatedUser())
            .AddPolicy(AccessPolicies.Page, p => p.AddAuthenticationSchemes(AccessPolicies.Page).RequireAuthenticatedUser())
            .SetDefaultPolicy(new AuthorizationPolicyBuilder(ByPath).RequireAuthenticatedUser().Build())
            .SetFallbackPolicy(new AuthorizationPolicyBuilder(ByPath).RequireAuthenticatedUser().Build());
        services.AddAntiforgery(o =>
        {
            o.Cookie.Name = "qd-form";
            o.Cookie.HttpOnly = true;
            o.Cookie.SameSite = SameSiteMode.Strict;
            o.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            o.SuppressXFrameOptionsHeader = true; // SecurityHeaders sets it
        });
        return services;
    }

    private static void AddSchemes(this IServiceCollection services)
    {
        services.AddAuthentication(ByPath)
            .AddPolicyScheme(ByPath, null, o => o.ForwardDefaultSelector = c => c.Request.Path.StartsWithSegments("/api/v1") || c.Request.Path.StartsWithSegments("/hubs") ? AccessPolicies.Bearer : AccessPolicies.Page)
            .AddScheme<AuthenticationSchemeOptions, BearerHandler>(AccessPolicies.Bearer, null)
            .AddIdentityCookies();
        services.AddOptions<CookieAuthenticationOptions>(IdentityConstants.ApplicationScheme).Configure<ITicketStore>((o, store) =>
        {
            o.SessionStore = store;
            o.Cookie.Name = "qd-session";
            o.Cookie.HttpOnly = true;
            o.Cookie.SameSite = SameSiteMode.Lax; // Strict would ask for a sign-in on every link from a mail; unsafe methods need the antiforgery token anyway
            o.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            o.SlidingExpiration = false; // the store prolongs
            o.LoginPath = "/login";
            o.ReturnUrlParameter = "returnUrl";
            // The store compares the security stamp for each request; Identity's own check would come every half hour.
            o.Events.OnValidatePrincipal = _ => Task.CompletedTask;
            o.Events.OnRedirectToLogin = c => SendAsync(c, StatusCodes.Status401Unauthorized, redirect: IsNavigation(c.Request));
            o.Events.OnRedirectToAccessDenied = c => SendAsync(c, StatusCodes.Status403Forbidden, redirect: false);
        });
    }

    private static Task SendAsync(RedirectContext<CookieAuthenticationOptions> context, int status, bool redirect)
    {
        if (redirect) context.Response.Redirect(context.RedirectUri);
        else context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private static bool IsNavigation(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && !request.Headers.ContainsKey("Upgrade") && request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal);

    /// <summary>First in the pipeline, before static files: host check, security headers, Origin check.</summary>
    public static WebApplication UseHardening(this WebApplication app)
    {
        var origin = app.Services.GetRequiredService<RequestOrigin>();
        app.Use(next => context => SecurityHeaders.ApplyAsync(context, next));
        app.Use(next => context => origin.CheckHostAsync(context, next));
        app.Use(next => context => RequestOrigin.CheckOriginAsync(context, next));
        return app;
    }

    /// <summary>After routing and before endpoints: authentication, authorisation, antiforgery.</summary>
    public static WebApplication UseWebAccess(this WebApplication app)
    {
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseAntiforgery();
        return app;
    }

    /// <summary>Where the page's form signs out.</summary>
    public static WebApplication MapSignOut(this WebApplication app)
    {
        app.MapPost("/logout", SignOutAsync).AllowAnonymous().ExcludeFromDescription();
        return app;
    }

    private static async Task<IResult> SignOutAsync(HttpContext context, IAntiforgery antiforgery, Quarterdeck.Access.AuditLog audit)
    {
        var caller = CallerIdentity.Of(context.User);
        if (caller is not null)
        {
            if (!await antiforgery.IsRequestValidAsync(context)) return TypedResults.BadRequest("The form has expired. Go back, load the page again and sign out.");
            await audit.WriteAsync(caller with { RequestId = context.TraceIdentifier }, "session.end", $"user:{caller.Id}", caller.Name, null, null, context.RequestAborted);
        }
        await context.SignOutAsync(AccessPolicies.Page);
        return TypedResults.LocalRedirect("/login");
    }
}
