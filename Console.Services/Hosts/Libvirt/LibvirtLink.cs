using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Xml.Linq;

namespace Quarterdeck.Hosts.Libvirt;

/// <summary>A hypervisor over libvirt: one connection for events and signs of life, and one for each thread that makes calls.</summary>
/// <remarks>
/// No two threads use one connection at the same time, and keepalive is off: in libvirt before 10.3 a thread that interrupts
/// another one's wait for an answer leaves a pointer into that thread's stack behind (CVE-2024-4418), which ends this process.
/// The mock driver answers within the process and keeps its state in the connection, so there all threads share one.
/// </remarks>
internal sealed unsafe partial class LibvirtLink : IHypervisorLink
{
    private static readonly TimeSpan Quick = TimeSpan.FromSeconds(15), Power = TimeSpan.FromSeconds(90), Long = TimeSpan.FromMinutes(30), Transfer = TimeSpan.FromHours(24);

    private readonly ConnectionHandle _events;
    private readonly ThreadLocal<ConnectionHandle?> _own = new();
    private readonly string _uri;
    private readonly CallLane _pulse, _calls, _slow;
    private readonly Sink _sink = new();
    private readonly List<int> _registrations = [];

    private LibvirtLink(ConnectionHandle connection, string uri)
    {
        (_events, _uri) = (connection, uri);
        _pulse = new CallLane("libvirt-pulse", 1, Close);
        _calls = new CallLane("libvirt-call", 3, CloseOwn);
        _slow = new CallLane("libvirt-slow", 3, CloseOwn);
        IsMock = OwnedText.Borrowed(Native.virConnectGetType(connection)).Equals("Test", StringComparison.OrdinalIgnoreCase);
        SharesFileSystem = !IsMock && (uri.StartsWith("qemu:///", StringComparison.Ordinal) || uri.StartsWith("qemu+unix:///", StringComparison.Ordinal));
    }

    /// <inheritdoc/>
    public bool SharesFileSystem { get; }

    /// <inheritdoc/>
    public bool IsMock { get; }

    /// <inheritdoc/>
    public DomainChanges Changes => _sink.Changes;

    /// <inheritdoc/>
    public Task<string> Closed => _sink.Closed.Task;

    /// <summary>Wraps a connection just opened and registers for its events; on the thread that opened it.</summary>
    public static LibvirtLink Over(ConnectionHandle connection, string uri)
    {
        try
        {
            var link = new LibvirtLink(connection, uri);
            link.Watch();
            return link;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task PingAsync(TimeSpan limit, CancellationToken cancellation) =>
        _pulse.RunAsync(() => LibvirtError.Check(Native.virConnectGetLibVersion(_events, out _), "ask for a sign of life"), "ask for a sign of life", limit, cancellation);

    /// <inheritdoc/>
    public void Abandon(string reason)
    {
        var lost = new HypervisorException(HypervisorError.Disconnected, $"reach {_uri}", reason);
        _sink.Closed.TrySetResult(reason);
        _pulse.Abandon(lost, atLeastOne: true); // somebody has to close the event connection
        _slow.Abandon(lost);
        _calls.Abandon(lost);
    }

    /// <inheritdoc/>
    public Task<HypervisorInfo> InfoAsync(CancellationToken cancellation) => _slow.RunAsync(() =>
    {
        Native.NodeInfo node;
        LibvirtError.Check(Native.virNodeGetInfo(Connection, &node), "read the host's description");
        LibvirtError.Check(Native.virConnectGetLibVersion(Connection, out var libvirt), "read libvirt's version");
        if (Native.virConnectGetVersion(Connection, out var version) < 0) version = 0; // qemu+…://session without an emulator
        var name = Native.virConnectGetHostname(Connection) ?? "";
        return new HypervisorInfo(OwnedText.Borrowed(Native.virConnectGetType(Connection)).ToUpperInvariant(), Dotted(version), Dotted(libvirt), (int)node.Cpus, (long)(node.MemoryKiB / 1024), name);
    }, "read the host's description", Power, cancellation);

    /// <inheritdoc/>
    public Task<bool> HasUefiAsync(CancellationToken cancellation) => _slow.RunAsync(() =>
    {
        if (IsMock) return true;
        const string What = "read what the host can emulate";
        var xml = XElement.Parse(LibvirtError.Check(Native.virConnectGetDomainCapabilities(Connection, null, "x86_64", "q35", null, 0), What));
        return xml.Element("os")?.Elements("enum").Where(e => (string?)e.Attribute("name") == "firmware").Elements("value").Any(v => v.Value == "efi") is true;
    }, "read what the host can emulate", Power, cancellation);

    private static string Dotted(ulong version) => $"{version / 1_000_000}.{version / 1000 % 1000}.{version % 1000}";

    /// <summary>The connection of this thread, opened when it is first needed and again when it broke.</summary>
    private ConnectionHandle Connection
    {
        get
        {
            if (IsMock) return _events;
            if (_own.Value is { } known && Native.virConnectIsAlive(known) == 1) return known;
            CloseOwn();
            return _own.Value = LibvirtError.Check(Native.virConnectOpen(_uri), $"connect to {_uri}");
        }
    }

    private Task<T> CallAsync<T>(string what, Func<T> call, CancellationToken cancellation) => _calls.RunAsync(call, what, Quick, cancellation);

    private DomainHandle Domain(Guid uuid, string what) =>
        LibvirtError.Check(Native.virDomainLookupByUUIDString(Connection, uuid.ToString()), what);

    private Task WithDomainAsync(Guid uuid, string what, Func<DomainHandle, int> call, CancellationToken cancellation, TimeSpan? limit = null) =>
        (limit is null || limit == Quick ? _calls : _slow).RunAsync(
            () =>
            {
                using var domain = Domain(uuid, what);
                return LibvirtError.Check(call(domain), what);
            },
            what, limit ?? Quick, cancellation);

    private void Watch()
    {
        if (Native.virConnectRegisterCloseCallback(_events, &OnClose, Hold(), &Release) < 0) Native.virResetLastError(); // local drivers have none
        // Kinds of events by how many arguments stand between domain and opaque.
        Register((delegate* unmanaged[Cdecl]<nint, nint, void*, void>)&OnEvent0, 1 /* reboot */);
        Register((delegate* unmanaged[Cdecl]<nint, nint, nint, void*, void>)&OnEvent1, 11 /* wake-up */, 12 /* suspend */, 13 /* balloon */, 15 /* device removed */, 19 /* device added */);
        Register((delegate* unmanaged[Cdecl]<nint, nint, nint, nint, void*, int>)&OnEvent2, 0 /* life cycle */, 10 /* tray */, 23 /* metadata */);
        Register((delegate* unmanaged[Cdecl]<nint, nint, nint, nint, nint, nint, void*, void>)&OnEvent4, 6 /* I/O error with its reason */, 9 /* disk change */);
    }

    private void Register(void* callback, params ReadOnlySpan<int> kinds)
    {
        foreach (var kind in kinds)
        {
            var opaque = Hold();
            var registration = Native.virConnectDomainEventRegisterAny(_events, 0, kind, callback, opaque, &Release);
            if (registration >= 0)
            {
                _registrations.Add(registration);
                continue;
            }
            GCHandle.FromIntPtr((nint)opaque).Free();
            var error = LibvirtError.Last("follow the host's events");
            if (kind == 0) throw error; // without the life cycle nothing would be live
        }
    }

    // Deregistering and closing talk to the other side, so each thread closes its own connection as it ends.
    private void CloseOwn()
    {
        _own.Value?.Dispose();
        _own.Value = null;
    }

    private void Close()
    {
        foreach (var registration in _registrations) _ = Native.virConnectDomainEventDeregisterAny(_events, registration);
        _ = Native.virConnectUnregisterCloseCallback(_events, &OnClose);
        _events.Dispose();
    }

    // The opaque pointer is a handle that libvirt's free callback releases: the sink lives as long as libvirt may call back.
    private void* Hold() => (void*)GCHandle.ToIntPtr(GCHandle.Alloc(_sink));

    private static void Note(nint domain, void* opaque)
    {
        try
        {
            var text = stackalloc byte[37];
            if (Native.virDomainGetUUIDString(domain, text) == 0 && Guid.TryParse(OwnedText.Borrowed(text), out var uuid))
                ((Sink)GCHandle.FromIntPtr((nint)opaque).Target!).Changes.Add(uuid);
        }
        catch
        {
            // nothing may cross into C
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnEvent0(nint connection, nint domain, void* opaque) => Note(domain, opaque);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnEvent1(nint connection, nint domain, nint a, void* opaque) => Note(domain, opaque);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OnEvent2(nint connection, nint domain, nint a, nint b, void* opaque)
    {
        Note(domain, opaque);
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnEvent4(nint connection, nint domain, nint a, nint b, nint c, nint d, void* opaque) => Note(domain, opaque);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnClose(nint connection, int reason, void* opaque)
    {
        try
        {
            ((Sink)GCHandle.FromIntPtr((nint)opaque).Target!).Closed.TrySetResult(reason switch
            {
                1 => "libvirt's service closed the connection.",
                3 => "The connection was closed here.",
                _ => "The connection broke off.",
            });
        }
        catch
        {
            // nothing may cross into C
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(void* opaque)
    {
        try { GCHandle.FromIntPtr((nint)opaque).Free(); }
        catch { /* nothing may cross into C */ }
    }

    private sealed class Sink
    {
        public DomainChanges Changes { get; } = new();

        public TaskCompletionSource<string> Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
