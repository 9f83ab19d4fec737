using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Access;

namespace Quarterdeck.Workers.Registry;

/// <summary>Takes a deployment back when too many requests of its newest version fail. Each node looks at its own requests; whichever sees it first acts, once.</summary>
internal sealed partial class RollbackWatch(WorkerTable table, IEnumerable<IVersionErrors> errors, WorkerStore workers, DeploymentStore deployments, Deployer deployer, TimeProvider time, ILogger<RollbackWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Glance, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try { await LookAsync(stoppingToken); }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested) { Log.Failed(logger, e); }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    /// <summary>Looks once at every worker that has a rule.</summary>
    internal async Task LookAsync(CancellationToken cancellation)
    {
        foreach (var worker in table.Current.Workers.Values)
        {
            if (worker is not { Rollback: { } rule, Versions: [.., var newest] }) continue;
            // What failed before the deployment is not its fault, so the window never reaches behind it.
            var seconds = Math.Min(rule.WindowSeconds, (int)Math.Ceiling((time.GetUtcNow() - worker.DeployedAt).TotalSeconds));
            if (seconds < 1) continue;
            foreach (var source in errors)
            {
                var seen = source.Recent(newest.Key, seconds);
                if (seen.Requests >= rule.LeastRequests && seen.Failures * 100 >= rule.ErrorPercent * seen.Requests && await TakeBackAsync(worker, newest.Key.Version, rule, seen, seconds, cancellation)) break;
            }
        }
    }

    private async Task<bool> TakeBackAsync(DeployedWorker deployed, int version, RollbackRule rule, VersionErrors seen, int seconds, CancellationToken cancellation)
    {
        if (await workers.FindAsync(deployed.Serial, cancellation) is not { Deployment: { } now } worker) return false;
        // What the rule made stays: two versions that both fail would else take turns for ever.
        if (now.Automatic || now.Number != deployed.Deployment || await deployments.BeforeAsync(worker.Serial, now, cancellation) is not { } before) return false;
        if (before.Versions.Any(v => v.Version == version && v.Percent == 100)) return false;
        var reason = string.Create(CultureInfo.InvariantCulture,
            $"{seen.Failures} of {seen.Requests} requests of version {version} failed within {seconds} s; the rule allows less than {rule.ErrorPercent} %. Back to deployment {before.Number}.");
        var draft = new DeploymentDraft(before.Versions, before.Sticky, reason, true, Caller.System.Name);
        if (!(await deployer.DeployAsync(Caller.System, worker, draft, now.Number, cancellation)).TryGet(out _, out var problem))
        {
            Log.NotTakenBack(logger, worker.Name, problem.Detail);
            return false;
        }
        Log.TakenBack(logger, worker.Name, reason);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The deployment of {Worker} was taken back: {Reason}")]
        public static partial void TakenBack(ILogger logger, string worker, string reason);

        [LoggerMessage(LogLevel.Warning, "The deployment of {Worker} could not be taken back: {Reason}")]
        public static partial void NotTakenBack(ILogger logger, string worker, string reason);

        [LoggerMessage(LogLevel.Error, "The error rates of deployments could not be looked at.")]
        public static partial void Failed(ILogger logger, Exception error);
    }
}
