using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Points;

/// <summary>Keeps the mirror of points true: reads every repository when it appears, and again from time to time, because other consoles write to it, too.</summary>
internal sealed partial class PointMirror(RepositoryConnections repositories, PointStore points, TimeProvider time, IOptions<BackupsOptions> options, ILogger<PointMirror> logger) : BackgroundService, IPointsChanged
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private readonly Dictionary<Guid, DateTimeOffset> _read = [];

    /// <summary>Reads one repository now.</summary>
    /// <returns>What stands against it, or null.</returns>
    public async Task<Problem?> ReadAsync(Guid repositoryId, CancellationToken cancellation)
    {
        var begun = time.GetUtcNow();
        if (!(await repositories.PointsAsync(repositoryId, cancellation)).TryGet(out var there, out var problem)) return problem;
        await points.MirrorAsync(repositoryId, there, begun, cancellation);
        return null;
    }

    /// <inheritdoc/>
    public async Task PointsChangedAsync(Guid repositoryId, CancellationToken cancellation)
    {
        try
        {
            if (await ReadAsync(repositoryId, cancellation) is { } problem) Log.NotRead(logger, repositoryId.ToString(), problem.Detail);
        }
        catch (ProblemException e) { Log.NotRead(logger, repositoryId.ToString(), e.Problem.Detail); }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        do
        {
            try { await LookAsync(stoppingToken); }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested) { Log.Failed(logger, e); }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        var all = await repositories.ListAsync(cancellation);
        var known = _read.Keys.ToHashSet();
        if (_read.Count == 0 || !known.SetEquals(all.Select(r => r.Id))) await points.KeepOnlyAsync([.. all.Select(r => r.Id)], cancellation);
        foreach (var id in known.Except(all.Select(r => r.Id))) _read.Remove(id);
        foreach (var (id, name) in all)
        {
            if (_read.TryGetValue(id, out var last) && time.GetUtcNow() - last < TimeSpan.FromSeconds(options.Value.RereadSeconds)) continue;
            _read[id] = time.GetUtcNow();
            try
            {
                if (await ReadAsync(id, cancellation) is { } problem) Log.NotRead(logger, name, problem.Detail);
            }
            catch (ProblemException e) { Log.NotRead(logger, name, e.Problem.Detail); }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The recovery points could not be mirrored.")]
        public static partial void Failed(ILogger logger, Exception exception);

        [LoggerMessage(LogLevel.Warning, "The recovery points of '{Repository}' could not be read: {Detail}")]
        public static partial void NotRead(ILogger logger, string repository, string detail);
    }
}
