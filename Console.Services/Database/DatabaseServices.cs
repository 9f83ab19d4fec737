using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Quarterdeck.Platform;

namespace Quarterdeck.Database;

/// <summary>Registers the database.</summary>
public static class DatabaseServices
{
    /// <summary>Adds <see cref="Db"/> as <see cref="ConsoleOptions"/> (registered by the host) describes it, migrated before any hosted service starts.</summary>
    public static IServiceCollection AddDatabase(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => Db.For(provider.GetRequiredService<ConsoleOptions>()));
        services.AddSingleton<Migrator>();
        services.AddHostedService<MigrateFirst>();
        return services;
    }

    /// <summary>Runs before every StartAsync, so that rooms find their tables whatever the order of registration.</summary>
    private sealed class MigrateFirst(Migrator migrator) : IHostedLifecycleService
    {
        public Task StartingAsync(CancellationToken cancellationToken) => migrator.MigrateAsync(cancellationToken);
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
