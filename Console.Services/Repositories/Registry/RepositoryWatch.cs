using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Platform;

namespace Quarterdeck.Repositories.Registry;

/// <summary>Looks at every repository now and then, and soon after it changed; makes the first one on the very first start.</summary>
internal sealed partial class RepositoryWatch(
    RepositoryStore store, RepositoryPlaces places, RepositoryFirst first, EventStream<RepositoryInfo> stream, IOptions<RepositoriesOptions> options, TimeProvider time, ILogger<RepositoryWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5), Patience = TimeSpan.FromMinutes(2);
    private readonly ConcurrentDictionary<Guid, byte> _soon = [];
    private readonly SemaphoreSlim _wake = new(0);

    /// <summary>Whether all were looked at once since the start.</summary>
    public bool Looked { get; private set; }

    /// <summary>Looks at a repository in the background.</summary>
    public void LookSoon(Guid id)
    {
        if (_soon.TryAdd(id, 0)) _wake.Release();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var nextRound = time.GetUtcNow();
        var seeded = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (!seeded) await first.AddAsync(stoppingToken);
                seeded = true;
                if (!Looked || time.GetUtcNow() >= nextRound)
                {
                    foreach (var row in await store.AllAsync(stoppingToken)) _soon.TryAdd(row.Id, 0);
                    nextRound = time.GetUtcNow() + TimeSpan.FromMinutes(options.Value.LookMinutes);
                }
                foreach (var id in _soon.Keys)
                {
                    _soon.TryRemove(id, out _);
                    if (await store.FindAsync(id, stoppingToken) is { } row) await LookAsync(row, stoppingToken);
                }
                Looked = true;
                await _wake.WaitAsync(Looked ? Pause : TimeSpan.FromSeconds(1), stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { return; }
            catch (Exception e)
            {
                // The database may be away for a moment; what could not be looked at is looked at in the next round.
                Log.Failed(logger, e);
                await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Looks at one now, and writes down what it is like.</summary>
    public async Task LookAsync(RepositoryRow row, CancellationToken cancellation)
    {
        await store.LookedAsync(row.Id, await ExamineAsync(row, cancellation), options.Value.SampleDays, cancellation);
        stream.Changed(row.Id.ToString("D"));
    }

    private async Task<RepositoryLook> ExamineAsync(RepositoryRow row, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            await using var files = await places.OpenAsync(row, limit.Token);
            return new RepositoryLook(RepositoryState.Ready, null, await Measurement.TakeAsync(files, places.CacheFolder(row.RepositoryId), limit.Token));
        }
        catch (RepositoryException e)
        {
            var state = e.Fault switch { RepositoryFault.WrongKey or RepositoryFault.WrongFormat => RepositoryState.Refused, RepositoryFault.Damaged => RepositoryState.Damaged, _ => RepositoryState.Unreachable };
            return new RepositoryLook(state, e.Problem.Detail, null);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested) { return new RepositoryLook(RepositoryState.Unreachable, $"It did not answer within {Patience.TotalMinutes:0} minutes.", null); }
    }

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The repositories could not be looked at")]
        public static partial void Failed(ILogger logger, Exception e);
    }
}
