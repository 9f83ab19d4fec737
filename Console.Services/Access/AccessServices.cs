using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Quarterdeck.Access.Accounts;
using Quarterdeck.Access.Tokens;

namespace Quarterdeck.Access;

/// <summary>Registers the room.</summary>
public static class AccessServices
{
    /// <summary>Users, sessions, tokens, guard and audit; needs the database and events. Signing in also needs authentication schemes, which the web adds.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services)
    {
        services.AddOptions<AccessOptions>().BindConfiguration("Quarterdeck:Access")
            .Validate(AccessOptions.IsSane, AccessOptions.Rules).ValidateOnStart();
        services.AddIdentity();
        services.AddGuard();
        services.AddSingleton<AuditTrail>();
        services.AddSingleton<AccessSignal>();
        services.AddSingleton<UserDirectory>();
        services.AddSingleton<TokenStore>();
        services.AddSingleton<SignInThrottle>();
        // Their constructors take this room's inner types, so the container cannot see them.
        services.AddInner<Users>();
        services.AddInner<Profile>();
        services.AddInner<SessionKeeper>();
        services.AddInner<ApiTokens>();
        services.AddInner<TokenVerifier>();
        services.AddScoped(Inner<SignIn>);
        services.AddScoped(Inner<AccessCommand>);
        services.AddHostedService(p => p.GetRequiredService<AccessSignal>());
        services.AddHostedService(p => p.GetRequiredService<TokenVerifier>());
        services.AddHostedService<FirstStart>();
        services.AddPermissions(typeof(AccessPermissions));
        return services;
    }

    /// <summary>Guard and audit alone, for a node without users.</summary>
    public static IServiceCollection AddGuard(this IServiceCollection services) => services.AddSingleton<AuditLog>().AddSingleton<Guard>().AddSingleton<PermissionCatalogue>();

    private static void AddIdentity(this IServiceCollection services)
    {
        // Before AddIdentityCore, which would add them for each request; they keep nothing.
        services.AddSingleton<ILookupNormalizer, UpperInvariantLookupNormalizer>();
        services.AddSingleton<IPasswordHasher<UserAccount>, PasswordHasher<UserAccount>>();
        services.AddSingleton<Passwords>();
        services.AddSingleton<IPasswordValidator<UserAccount>>(p => p.GetRequiredService<Passwords>());
        services.Configure<PasswordHasherOptions>(o => o.IterationCount = 210_000);
        services.AddIdentityCore<UserAccount>().AddSignInManager().AddUserStore<UserStore>();
        services.AddOptions<IdentityOptions>().Configure<Microsoft.Extensions.Options.IOptions<AccessOptions>>((identity, access) =>
        {
            identity.Lockout.MaxFailedAccessAttempts = access.Value.LockoutAttempts;
            identity.Lockout.DefaultLockoutTimeSpan = access.Value.LockoutTime;
        });
    }

    private static void AddInner<T>(this IServiceCollection services) where T : class => services.AddSingleton(Inner<T>);

    private static T Inner<T>(IServiceProvider provider) where T : class
    {
        var constructor = typeof(T).GetConstructors(System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance).Single();
        return (T)constructor.Invoke(System.Reflection.BindingFlags.DoNotWrapExceptions, null, [.. constructor.GetParameters().Select(p => provider.GetRequiredService(p.ParameterType))], null);
    }
}
