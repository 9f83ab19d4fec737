using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Quarterdeck.Platform;
using Quartz;

namespace Quarterdeck.Bench;

/// <summary>The peer: bare Quartz.NET on its persistent store, a job and a trigger for each piece of work, as its documentation shows it.</summary>
internal sealed class QuartzPeer(StartTimes times) : IQueueUnderTest
{
    private const int Threads = 16;
    private readonly List<(ServiceProvider Services, IScheduler Scheduler)> _nodes = [];

    public static async Task<IQueueUnderTest> StartAsync(ConsoleOptions options, int nodes)
    {
        var peer = new QuartzPeer(new StartTimes());
        for (var i = 1; i <= nodes; i++) await peer.AddAsync(options, $"node-{i}");
        return peer;
    }

    public async Task EnqueueAsync(CancellationToken cancellation)
    {
        var number = times.Called();
        await _nodes[0].Scheduler.ScheduleJob(
            JobBuilder.Create<TrivialJob>().WithIdentity($"{number}").UsingJobData("number", number).RequestRecovery().Build(),
            TriggerBuilder.Create().WithIdentity($"{number}").StartNow().Build(), cancellationToken: cancellation);
    }

    public Task<IReadOnlyList<double>> StartedAsync(int count, CancellationToken cancellation) => times.TakeAsync(count, cancellation);

    public async ValueTask DisposeAsync()
    {
        foreach (var (services, scheduler) in _nodes)
        {
            await scheduler.Shutdown(true);
            await services.DisposeAsync();
        }
        NpgsqlConnection.ClearAllPools();
    }

    private async Task AddAsync(ConsoleOptions options, string name)
    {
        var services = new ServiceCollection();
        services.AddLogging(l => l.SetMinimumLevel(LogLevel.None));
        services.AddSingleton(times);
        services.AddTransient<TrivialJob>();
        services.AddQuartz(quartz =>
        {
            quartz.ConfigureScheduler(o => (o.InstanceName, o.InstanceId, o.IdleWaitTime) = ("bench", name, TimeSpan.FromSeconds(1)));
            quartz.UseDefaultThreadPool(Threads);
            quartz.UsePersistentStore(store =>
            {
                if (options.Database is { } database)
                {
                    store.UsePostgres(NpgsqlFactory.Instance, database);
                    store.UseClustering();
                }
                else
                {
                    store.UseSqlite(SqliteFactory.Instance, Wal(Path.Combine(options.DataFolder, "quartz.db")));
                }
                store.ProvisionSchema();
            });
        });
        var provider = services.BuildServiceProvider();
        var scheduler = await provider.GetRequiredService<ISchedulerFactory>().GetScheduler();
        await scheduler.Start();
        _nodes.Add((provider, scheduler));
    }

    /// <summary>The same journal mode as the product's files have.</summary>
    private static string Wal(string path)
    {
        var text = new SqliteConnectionStringBuilder { DataSource = path }.ConnectionString;
        using var connection = new SqliteConnection(text);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode=WAL";
        command.ExecuteNonQuery();
        return text;
    }

    private sealed class TrivialJob(StartTimes times) : IJob
    {
        public ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
        {
            times.Began(context.MergedJobDataMap.GetLong("number"));
            return ValueTask.CompletedTask;
        }
    }
}
