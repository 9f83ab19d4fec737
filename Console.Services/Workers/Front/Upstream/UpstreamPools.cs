using System.Runtime.CompilerServices;
using Quarterdeck.Workers.Front.Http;
using Quarterdeck.Workers.Front.Transport;

namespace Quarterdeck.Workers.Front.Upstream;

/// <summary>The connections to all compute servers of this node, and the clock that cuts requests whose time is over.</summary>
internal sealed class UpstreamPools : IDisposable
{
    /// <summary>How finely wall time is held: one look at all connections costs less than a timer for each request.</summary>
    public static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), Between = TimeSpan.FromMilliseconds(10);
    private readonly ConditionalWeakTable<IUpstream, UpstreamPool> _pools = []; // a cordon that ended takes its pool along
    private readonly ConditionalWeakTable<IUpstream, UpstreamPool>.CreateValueCallback _make;
    private readonly Timer _timer;
    private int _sweeping;

    public UpstreamPools(IoLoops loops) => (_make, _timer) = (server => new UpstreamPool(server, loops), new Timer(_ => Sweep(), null, Look, Look));

    public UpstreamPool Of(IUpstream server) => _pools.GetValue(server, _make);

    /// <summary>A connection over which nothing was sent yet. A compute server that is being started again is waited for.</summary>
    /// <param name="pool">Which.</param>
    /// <param name="deadline">When the request's wall time is over, <see cref="Environment.TickCount64"/>.</param>
    /// <param name="gone">The visitor went away.</param>
    /// <exception cref="UpstreamException">It did not come up in time.</exception>
    /// <exception cref="OperationCanceledException">The visitor went away.</exception>
    public async ValueTask<UpstreamConnection> ConnectAsync(UpstreamPool pool, long deadline, CancellationToken gone)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(gone);
        late.CancelAfter(TimeSpan.FromMilliseconds(Math.Clamp(deadline - Environment.TickCount64, 1, Patience.TotalMilliseconds)));
        while (true)
        {
            try
            {
                if (!pool.Server.IsUp) await pool.Server.ReadyAsync(late.Token);
                return await pool.ConnectAsync(late.Token);
            }
            catch (UpstreamException e) when (e.Fault is UpstreamFault.Unreachable && !late.IsCancellationRequested)
            {
                // it may have ended a moment ago, unnoticed yet
                await Task.Delay(Between, late.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (late.IsCancellationRequested && !gone.IsCancellationRequested) throw;
            }
            catch (OperationCanceledException e) when (!gone.IsCancellationRequested)
            {
                throw new UpstreamException(UpstreamFault.Unreachable, "The compute server did not come up in time.", e);
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Sweep()
    {
        if (Interlocked.Exchange(ref _sweeping, 1) != 0) return;
        try
        {
            var now = Environment.TickCount64;
            foreach (var (_, pool) in _pools) pool.Sweep(now);
        }
        finally { Volatile.Write(ref _sweeping, 0); }
    }
}
