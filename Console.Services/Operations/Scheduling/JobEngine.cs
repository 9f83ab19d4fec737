using System.Data.Common;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Database;
using Quarterdeck.Operations.Running;
using Quarterdeck.Operations.Store;
using Quarterdeck.Platform;
using Quartz;

namespace Quarterdeck.Operations.Scheduling;

/// <summary>Quartz.NET with its persistent store: decides on which node and when an operation runs. What runs at all is decided by the operations' own rows.</summary>
internal sealed partial class JobEngine(
    Db db, ConsoleOptions console, ReadyQueue ready, OperationRunner runner, NodeIdentity node, IOptions<OperationsOptions> options, ILoggerFactory loggers) : IAsyncDisposable
{
    private const int Batch = 500;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private readonly ILogger _logger = loggers.CreateLogger<JobEngine>();
    private DbDataSource? _source;
    private ServiceProvider? _quartz;
    private IScheduler? _scheduler;
    private Task _telling = Task.CompletedTask;

    /// <summary>Starts Quartz and tells it whatever comes through the ready queue.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        _source = QuartzSetup.Source(db, console);
        _quartz = QuartzSetup.Build(db.Dialect, _source, node.Name, runner, options.Value, loggers);
        _scheduler = await _quartz.GetRequiredService<ISchedulerFactory>().GetScheduler(cancellation);
        await _scheduler.AddJob(Job, new AddJobOptions { Replace = true }, cancellation);
        await _scheduler.Start(cancellation);
        _telling = Task.Run(TellAsync, CancellationToken.None);
    }

    /// <summary>Starts nothing new here; what is told from now on waits for another node or the next start.</summary>
    public async Task PauseAsync(CancellationToken cancellation)
    {
        if (_scheduler is not null) await _scheduler.Standby(cancellation);
    }

    /// <summary>Tells what is still in the ready queue, and ends.</summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        ready.Complete();
        await _telling.WaitAsync(TimeSpan.FromSeconds(2), CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_scheduler is not null) await _scheduler.Shutdown(false, cancellation);
    }

    /// <summary>Tells those again that Quartz does not know, or has given up.</summary>
    public async Task RemindAsync(IReadOnlyList<Ready> waiting, CancellationToken cancellation)
    {
        foreach (var one in waiting)
            if (await _scheduler!.GetTriggerState(OperationJob.TriggerOf(one), cancellation) is TriggerState.None or TriggerState.Error) ready.Add(one);
    }

    public async ValueTask DisposeAsync()
    {
        if (_quartz is not null) await _quartz.DisposeAsync();
        if (_source is not null) await _source.DisposeAsync();
    }

    private static IJobDetail Job => JobBuilder.Create<OperationJob>().WithIdentity(OperationJob.Key).StoreDurably().Build();

    private async Task TellAsync()
    {
        var batch = new Dictionary<TriggerKey, ITrigger>();
        while (await ready.Reader.WaitToReadAsync())
        {
            while (batch.Count < Batch && ready.Reader.TryRead(out var one)) batch[OperationJob.TriggerOf(one)] = Trigger(one);
            try
            {
                await _scheduler!.ScheduleJobs(new Dictionary<IJobDetail, IReadOnlyCollection<ITrigger>> { [Job] = batch.Values }, ScheduleJobOptions.Replacing);
                batch.Clear();
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // Should the database stay away until the end, the sweep tells them again.
                Log.NotTold(_logger, batch.Count, e.Message);
                await Task.Delay(Pause);
            }
        }
    }

    private static ITrigger Trigger(Ready one)
    {
        // A time that has passed is no reason to leave a trigger to the misfire handler, which comes once a minute.
        var trigger = TriggerBuilder.Create().WithIdentity(OperationJob.TriggerOf(one)).ForJob(OperationJob.Key).WithSimpleSchedule(s => s.WithMisfireInstruction(SimpleTriggerMisfireInstruction.IgnoreMisfires));
        return (one.NotBefore is { } at ? trigger.StartAt(at) : trigger.StartNow()).Build();
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The job engine cannot be told of {Count} operations yet: {Reason}")]
        public static partial void NotTold(ILogger logger, int count, string reason);
    }
}
