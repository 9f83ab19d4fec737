using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Quarterdeck.Database.Engines;

/// <summary>Migrates before every StartAsync, so that rooms find their tables whatever the order of registration. Waits a while for a PostgreSQL that is starting as well.</summary>
internal sealed partial class MigrateFirst(Migrator migrator, TimeProvider time, ILogger<MigrateFirst> logger) : IHostedLifecycleService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); ; await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken))
        {
            try
            {
                await migrator.MigrateAsync(cancellationToken);
                return;
            }
            catch (DatabaseUnavailableException e) when (MayPass(e.InnerException) && time.GetElapsedTime(began) < Patience)
            {
                Log.Waiting(logger, e.Reason);
            }
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // A wrong password does not become right by waiting.
    private static bool MayPass(Exception? error) => error is not null && (Transience.IsBroken(error) || error is PostgresException { SqlState: PostgresErrorCodes.CannotConnectNow });

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Waiting for the database: {Reason}")]
        public static partial void Waiting(ILogger logger, string reason);
    }
}
