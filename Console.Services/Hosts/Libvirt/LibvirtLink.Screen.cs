using System.Net.Sockets;
using Quarterdeck.Hosts.Vms;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Streams to screens.</content>
internal sealed partial class LibvirtLink
{
    /// <inheritdoc/>
    public async Task<Stream> OpenGraphicsAsync(Guid uuid, CancellationToken cancellation)
    {
        const string What = "open the VM's screen";
        var xml = await XmlAsync(uuid, cancellation);
        var screen = DomainXml.Screen(xml) ?? throw new HypervisorException(HypervisorError.Unsupported, What, "The VM has no VNC screen.");
        if (SharesFileSystem)
        {
            // A socket passed over the local connection: QEMU need not listen anywhere.
            var descriptor = await CallAsync(What, () =>
            {
                using var domain = Domain(uuid, What);
                return LibvirtError.Check(Native.virDomainOpenGraphicsFD(domain, (uint)screen.Index, 0), What);
            }, cancellation);
            return new NetworkStream(new Socket(new SafeSocketHandle(descriptor, ownsHandle: true)), ownsSocket: true);
        }
        if (IsMock) throw new HypervisorException(HypervisorError.Unsupported, What, "libvirt's mock driver has no screens.");
        if (screen.Port is not { } port)
            throw new HypervisorException(HypervisorError.Unsupported, What, "The host is another machine and the VM's screen listens on no TCP port there. Give its <graphics> a listen address.");
        // Only to the host itself, and only to a port that its own libvirt names.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(Quick);
            await socket.ConnectAsync(HostUri.MachineOf(_uri), port, limit.Token);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            cancellation.ThrowIfCancellationRequested();
            throw new HypervisorException(HypervisorError.Failed, What, $"Port {port} of {HostUri.MachineOf(_uri)} cannot be reached.", e);
        }
    }
}
