using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace Quarterdeck.Hosts.Libvirt;

/// <summary>The calls of <c>libvirt.so.0</c> that are used: connections and the event loop.</summary>
/// <remarks>A failing call leaves its error in thread-local storage: read it on the same thread (<see cref="LibvirtError"/>).</remarks>
internal static unsafe partial class Native
{
    private const string Library = "libvirt.so.0";
    private const string QemuLibrary = "libvirt-qemu.so.0";

    /// <summary>Head of <c>struct _virError</c>, part of libvirt's ABI.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VirError
    {
        public int Code;
        public int Domain;
        public byte* Message;
        public int Level;
        public nint Connection;
        public nint DomainObject;
        public byte* Text1;
        public byte* Text2;
        public byte* Text3;
        public int Number1;
        public int Number2;
    }

    [InlineArray(32)]
    internal struct Model
    {
        private byte _first;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NodeInfo
    {
        public Model Model;
        public ulong MemoryKiB;
        public uint Cpus;
        public uint Mhz;
        public uint Nodes;
        public uint Sockets;
        public uint Cores;
        public uint Threads;
    }

    [LibraryImport(Library)]
    internal static partial int virInitialize();

    [LibraryImport(Library)]
    internal static partial int virEventRegisterDefaultImpl();

    [LibraryImport(Library)]
    internal static partial int virEventRunDefaultImpl();

    [LibraryImport(Library)]
    internal static partial int virEventAddTimeout(int milliseconds, delegate* unmanaged[Cdecl]<int, void*, void> callback, void* opaque, void* free);

    [LibraryImport(Library)]
    internal static partial void virSetErrorFunc(void* user, delegate* unmanaged[Cdecl]<void*, VirError*, void> handler);

    [LibraryImport(Library)]
    internal static partial VirError* virGetLastError();

    [LibraryImport(Library)]
    internal static partial void virResetLastError();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial ConnectionHandle virConnectOpen(string uri);

    [LibraryImport(Library)]
    internal static partial int virConnectClose(nint connection);

    [LibraryImport(Library)]
    internal static partial int virConnectIsAlive(ConnectionHandle connection);

    [LibraryImport(Library)]
    internal static partial int virConnectGetLibVersion(ConnectionHandle connection, out ulong version);

    [LibraryImport(Library)]
    internal static partial int virConnectGetVersion(ConnectionHandle connection, out ulong version);

    [LibraryImport(Library)]
    internal static partial byte* virConnectGetType(ConnectionHandle connection);

    [LibraryImport(Library)]
    [return: MarshalUsing(typeof(OwnedText))]
    internal static partial string? virConnectGetHostname(ConnectionHandle connection);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    [return: MarshalUsing(typeof(OwnedText))]
    internal static partial string? virConnectGetDomainCapabilities(ConnectionHandle connection, string? emulator, string? arch, string? machine, string? virtType, uint flags);

    [LibraryImport(Library)]
    internal static partial int virNodeGetInfo(ConnectionHandle connection, NodeInfo* info);

    [LibraryImport(Library)]
    internal static partial int virConnectRegisterCloseCallback(
        ConnectionHandle connection, delegate* unmanaged[Cdecl]<nint, int, void*, void> callback, void* opaque, delegate* unmanaged[Cdecl]<void*, void> free);

    [LibraryImport(Library)]
    internal static partial int virConnectUnregisterCloseCallback(ConnectionHandle connection, delegate* unmanaged[Cdecl]<nint, int, void*, void> callback);

    [LibraryImport(Library)]
    internal static partial int virConnectDomainEventRegisterAny(
        ConnectionHandle connection, nint domain, int kind, void* callback, void* opaque, delegate* unmanaged[Cdecl]<void*, void> free);

    [LibraryImport(Library)]
    internal static partial int virConnectDomainEventDeregisterAny(ConnectionHandle connection, int registration);
}
