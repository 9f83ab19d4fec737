using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Schedules.Registry;

namespace Quarterdeck.Schedules.Running;

/// <summary>Starts what is due: each run once, whichever node is first, and whoever dies on the way.</summary>
/// <remarks>
/// A run is claimed for a minute, queued under an id that follows from schedule and due time, and only then is the next one waited for. A node that dies
/// in between leaves a claim that lapses; the next node asks for the same id again, which starts nothing if it was queued. Runs that were missed
/// while no node was there are caught up by one.
/// </remarks>
internal sealed partial class ScheduleClock(ScheduleStore store, ScheduledActions actions, OperationQueue queue, EventStream<Schedule> stream, TimeProvider time, ILogger<ScheduleClock> logger) : BackgroundService
{
    private static readonly TimeSpan Claim = TimeSpan.FromMinutes(1);

    /// <summary>The longest sleep: other nodes change schedules, and clocks are set.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    private readonly SemaphoreSlim _woken = new(0);

    /// <summary>Something was set: look again when the next run is due.</summary>
    public void Wake() => _woken.Release();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (var due in await store.DueAsync(time.GetUtcNow(), stoppingToken)) await RunAsync(due, stoppingToken);
                await SleepAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { return; }
            catch (Exception e) // the clock must outlive every outage: nothing else would start the runs
            {
                Log.Failed(logger, e.Message);
                await Task.Delay(TimeSpan.FromSeconds(2), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task SleepAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var wait = await store.NextAsync(now, cancellation) is { } next && next - now < Longest ? next - now : Longest;
        if (wait <= TimeSpan.Zero) return;
        using var woken = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var sleep = Task.Delay(wait, time, woken.Token);
        await Task.WhenAny(sleep, _woken.WaitAsync(woken.Token));
        await woken.CancelAsync();
        while (_woken.CurrentCount > 0) await _woken.WaitAsync(cancellation);
    }

    private async Task RunAsync(Schedule schedule, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if (!await store.ClaimAsync(schedule, now, now + Claim, cancellation)) return;
        var rule = CronRule.Parse(schedule.Cron, schedule.TimeZone);
        // Caught up too late, it may have come into a window.
        if (rule.Ok && RunTimes.Open(schedule.Blackouts, rule.Value.TimeZone, now) is var open && open != now)
        {
            await store.RanAsync(schedule, open, schedule.LastRunAt ?? now, schedule.LastOperationId, schedule.LastProblem, cancellation);
        }
        else
        {
            var next = rule.Ok ? RunTimes.Next(rule.Value, schedule.Blackouts, now) : null;
            var started = rule.Problem is { } unreadable ? unreadable : await StartAsync(schedule, RunId(schedule), cancellation);
            if (started.Problem is { } refused) Log.Refused(logger, schedule.Name, refused.Detail);
            await store.RanAsync(schedule, next, now, started.Ok ? started.Value : null, started.Problem?.Detail, cancellation);
        }
        stream.Changed(schedule.Id.ToString());
    }

    /// <summary>Queues what a schedule does.</summary>
    public async Task<Result<Guid>> StartAsync(Schedule schedule, Guid? id, CancellationToken cancellation, Caller? caller = null)
    {
        if (actions.Find(schedule.Action) is not { } action) return Problem.Conflict("Unknown action", $"This console knows no action '{schedule.Action}'. Set the schedule anew.");
        caller ??= Caller.System with { Name = $"schedule {schedule.Name}" };
        try
        {
            if (!(await action.PrepareAsync(caller, schedule.Input, cancellation)).TryGet(out var operation, out var refused)) return refused;
            return await queue.EnqueueAsync(caller, operation with { Id = id }, cancellation);
        }
        catch (Exception e) when (e is not OperationCanceledException && Database.DatabaseUnavailableException.From(e) is null)
        {
            // One action that breaks must not hold the others up.
            return Problem.Conflict("The run could not be started", e.Message);
        }
    }

    /// <summary>The same for the same run, on every node (UUIDv8, RFC 9562, section 5.8).</summary>
    private static Guid RunId(Schedule schedule)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{schedule.Id:D}@{schedule.NextRunAt!.Value.UtcTicks}")).AsSpan(0, 16);
        hash[6] = (byte)(0x80 | (hash[6] & 0x0F));
        hash[8] = (byte)(0x80 | (hash[8] & 0x3F));
        return new Guid(hash, bigEndian: true);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Schedules wait: {Reason}")]
        public static partial void Failed(ILogger logger, string reason);

        [LoggerMessage(LogLevel.Warning, "The schedule {Name} could not start its run: {Reason}")]
        public static partial void Refused(ILogger logger, string name, string reason);
    }
}
