using System.Data.Common;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Quarterdeck.Database;
using Quarterdeck.Operations.Running;
using Quarterdeck.Platform;
using Quartz;

namespace Quarterdeck.Operations.Scheduling;

/// <summary>How Quartz.NET is set up here.</summary>
internal static class QuartzSetup
{
    private const int PoolSize = 12;

    /// <summary>A container of Quartz's own, so that its services stay out of the console's.</summary>
    public static ServiceProvider Build(Dialect dialect, DbDataSource source, string node, OperationRunner runner, OperationsOptions options, ILoggerFactory loggers)
    {
        var services = new ServiceCollection();
        services.AddSingleton(loggers);
        services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        services.AddSingleton(runner);
        services.AddTransient<OperationJob>();
        services.AddQuartz(quartz =>
        {
            quartz.ConfigureScheduler(o =>
            {
                (o.InstanceName, o.InstanceId) = ("quarterdeck", node);
                // A node signals itself when it tells of an operation; the wait is how soon other nodes help out.
                o.IdleWaitTime = TimeSpan.FromSeconds(1);
                o.PropagateTraceContext = false;
            });
            quartz.UseDefaultThreadPool(options.Parallel);
            quartz.UsePersistentStore(store =>
            {
                if (dialect.Engine is DatabaseEngine.Postgres)
                {
                    store.UsePostgres(o => o.DataSourceFactory = _ => source);
                    store.UseClustering(c => (c.CheckinInterval, c.CheckinMisfireThreshold) = (TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(6)));
                }
                else
                {
                    store.UseSqlite(o => o.DataSourceFactory = _ => source);
                }
                store.ProvisionSchema();
                store.ConfigureStore(o => o.DbRetryInterval = TimeSpan.FromSeconds(2));
            });
        });
        return services.BuildServiceProvider();
    }

    /// <summary>Connections of its own, which the caller disposes of: Quartz knows the driver's errors, and its waiting never takes a page's connection.</summary>
    public static DbDataSource Source(Db db, ConsoleOptions console)
    {
        if (console.Database is not { } text) return JobFile.Beside(db.Source.ConnectionString);
        var settings = new NpgsqlConnectionStringBuilder(text) { ApplicationName = "quarterdeck jobs", MaxPoolSize = PoolSize };
        if (!settings.ShouldSerialize("Timeout")) settings.Timeout = 5;
        IdleTransactions.End(settings);
        return NpgsqlDataSource.Create(settings);
    }
}
