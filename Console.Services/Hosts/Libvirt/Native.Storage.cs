using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Storage, networks, streams.</content>
internal static unsafe partial class Native
{
    [StructLayout(LayoutKind.Sequential)]
    internal struct PoolState
    {
        public int State;
        public ulong Capacity;
        public ulong Allocation;
        public ulong Available;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct VolumeState
    {
        public int Type;
        public ulong Capacity;
        public ulong Allocation;
    }

    [LibraryImport(Library)]
    internal static partial int virConnectListAllStoragePools(ConnectionHandle connection, nint** pools, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial PoolHandle virStoragePoolLookupByName(ConnectionHandle connection, string name);

    [LibraryImport(Library)]
    internal static partial PoolHandle virStoragePoolLookupByVolume(VolumeHandle volume);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial PoolHandle virStoragePoolDefineXML(ConnectionHandle connection, string xml, uint flags);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolCreate(PoolHandle pool, uint flags);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolSetAutostart(PoolHandle pool, int autostart);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolRefresh(PoolHandle pool, uint flags);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolGetInfo(PoolHandle pool, out PoolState info);

    [LibraryImport(Library)]
    internal static partial byte* virStoragePoolGetName(PoolHandle pool);

    [LibraryImport(Library)]
    [return: MarshalUsing(typeof(OwnedText))]
    internal static partial string? virStoragePoolGetXMLDesc(PoolHandle pool, uint flags);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolFree(nint pool);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial VolumeHandle virStorageVolCreateXML(PoolHandle pool, string xml, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial VolumeHandle virStorageVolLookupByPath(ConnectionHandle connection, string path);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial VolumeHandle virStorageVolLookupByName(PoolHandle pool, string name);

    [LibraryImport(Library)]
    internal static partial int virStorageVolDelete(VolumeHandle volume, uint flags);

    [LibraryImport(Library)]
    internal static partial int virStorageVolGetInfo(VolumeHandle volume, out VolumeState info);

    [LibraryImport(Library)]
    internal static partial byte* virStorageVolGetName(VolumeHandle volume);

    [LibraryImport(Library)]
    [return: MarshalUsing(typeof(OwnedText))]
    internal static partial string? virStorageVolGetPath(VolumeHandle volume);

    [LibraryImport(Library)]
    [return: MarshalUsing(typeof(OwnedText))]
    internal static partial string? virStorageVolGetXMLDesc(VolumeHandle volume, uint flags);

    [LibraryImport(Library)]
    internal static partial int virStorageVolUpload(VolumeHandle volume, StreamHandle stream, ulong offset, ulong length, uint flags);

    [LibraryImport(Library)]
    internal static partial int virStorageVolFree(nint volume);

    [LibraryImport(Library)]
    internal static partial StreamHandle virStreamNew(ConnectionHandle connection, uint flags);

    [LibraryImport(Library)]
    internal static partial int virStreamSend(StreamHandle stream, byte* data, nuint length);

    [LibraryImport(Library)]
    internal static partial int virStreamRecv(StreamHandle stream, byte* data, nuint length);

    [LibraryImport(Library)]
    internal static partial int virStreamFinish(StreamHandle stream);

    [LibraryImport(Library)]
    internal static partial int virStreamAbort(StreamHandle stream);

    [LibraryImport(Library)]
    internal static partial int virStreamFree(nint stream);

    [LibraryImport(Library)]
    internal static partial int virConnectListAllNetworks(ConnectionHandle connection, nint** networks, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial NetworkHandle virNetworkLookupByName(ConnectionHandle connection, string name);

    [LibraryImport(Library)]
    internal static partial byte* virNetworkGetName(NetworkHandle network);

    [LibraryImport(Library)]
    internal static partial int virNetworkIsActive(NetworkHandle network);

    [LibraryImport(Library)]
    internal static partial int virNetworkCreate(NetworkHandle network);

    [LibraryImport(Library)]
    [return: MarshalUsing(typeof(OwnedText))]
    internal static partial string? virNetworkGetXMLDesc(NetworkHandle network, uint flags);

    [LibraryImport(Library)]
    internal static partial int virNetworkFree(nint network);
}
