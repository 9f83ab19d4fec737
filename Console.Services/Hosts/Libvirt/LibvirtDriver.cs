namespace Quarterdeck.Hosts.Libvirt;

/// <summary>Opens libvirt connections, each on a thread of its own, because opening blocks for as long as the other side is silent.</summary>
internal sealed class LibvirtDriver : IHypervisorDriver
{
    /// <inheritdoc/>
    public Task<IHypervisorLink> OpenAsync(string uri, CancellationToken cancellation)
    {
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
            },
            512 * 1024) { IsBackground = true, Name = "libvirt-open" };
        thread.Start();
        cancellation.UnsafeRegister(_ => outcome.TrySetCanceled(cancellation), null);
        return outcome.Task;
    }
}
