using System.Collections.Concurrent;

namespace Quarterdeck.Hosts.Libvirt;

/// <summary>Opens libvirt connections, each on a thread of its own, because opening blocks for as long as the other side is silent.</summary>
/// <remarks>Attempts that were given up but have not come back are counted: a host that stays silent may not collect threads.</remarks>
internal sealed class LibvirtDriver : IHypervisorDriver
{
    private const int MostAttempts = 3;
    private readonly ConcurrentDictionary<string, int> _attempts = new();

    /// <inheritdoc/>
    public Task<IHypervisorLink> OpenAsync(string uri, CancellationToken cancellation)
    {
        if (_attempts.AddOrUpdate(uri, 1, (_, n) => n + 1) > MostAttempts)
        {
            _attempts.AddOrUpdate(uri, 0, (_, n) => n - 1);
            throw new HypervisorException(HypervisorError.TimedOut, $"connect to {uri}", $"{MostAttempts} earlier attempts are still waiting for an answer.");
        }
        var outcome = new TaskCompletionSource<IHypervisorLink>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(
            () =>
            {
                try
                {
                    LibvirtLoop.Start();
                    var connection = LibvirtError.Check(Native.virConnectOpen(uri), $"connect to {uri}");
                    var link = LibvirtLink.Over(connection, uri);
                    if (!outcome.TrySetResult(link)) link.Abandon("It was given up meanwhile.");
                }
                catch (Exception e)
                {
                    outcome.TrySetException(e);
                    _ = outcome.Task.Exception; // observed, should the caller have gone
                }
                finally
                {
                    _attempts.AddOrUpdate(uri, 0, (_, n) => n - 1);
                }
            },
            512 * 1024) { IsBackground = true, Name = "libvirt-open" };
        thread.Start();
        cancellation.UnsafeRegister(_ => outcome.TrySetCanceled(cancellation), null);
        return outcome.Task;
    }
}
