using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Quarterdeck.Database.Engines;
using Quarterdeck.Platform;

namespace Quarterdeck.Database;

/// <summary>Registers the database.</summary>
public static class DatabaseServices
{
    /// <summary>Adds <see cref="Db"/> as <see cref="ConsoleOptions"/> (registered by the host) describes it, migrated before any hosted service starts, and <see cref="DatabaseHealth"/>.</summary>
    public static IServiceCollection AddDatabase(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => Db.For(provider.GetRequiredService<ConsoleOptions>()));
        services.AddSingleton<Migrator>();
        services.AddHostedService<MigrateFirst>();
        services.AddSingleton<DatabaseHealth>();
        services.AddHostedService(provider => provider.GetRequiredService<DatabaseHealth>());
        return services;
    }
}
