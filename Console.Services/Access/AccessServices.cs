using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Access;

/// <summary>Registers the room.</summary>
public static class AccessServices
{
    /// <summary>Users, sessions, tokens, guard and audit; needs the database.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services)
    {
        services.AddSingleton<AuditLog>();
        services.AddSingleton<Guard>();
        services.AddSingleton<AuditTrail>();
        services.AddSingleton<PermissionCatalogue>();
        services.AddPermissions(typeof(AccessPermissions));
        return services;
    }
}
