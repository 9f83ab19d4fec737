using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Domains and their snapshots.</content>
internal static unsafe partial class Native
{
    [StructLayout(LayoutKind.Sequential)]
    internal struct BlockInfo
    {
        public ulong Capacity;
        public ulong Allocation;
        public ulong Physical;
    }

    /// <summary><c>struct _virTypedParameter</c>: an 80-byte name, a type, 8 bytes of value.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct TypedParameter
    {
        public fixed byte Name[80];
        public int Type;
        public ulong Value;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct StatsRecord
    {
        public nint Domain;
        public TypedParameter* Parameters;
        public int Count;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct DomainAddress
    {
        public int Type;
        public byte* Text;
        public uint Prefix;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct DomainInterface
    {
        public byte* Name;
        public byte* Mac;
        public uint Count;
        public DomainAddress* Addresses;
    }

    [LibraryImport(Library)]
    internal static partial int virDomainInterfaceAddresses(DomainHandle domain, DomainInterface*** cards, uint source, uint flags);

    [LibraryImport(Library)]
    internal static partial void virDomainInterfaceFree(DomainInterface* card);

    [LibraryImport(Library)]
    internal static partial int virConnectListAllDomains(ConnectionHandle connection, nint** domains, uint flags);

    [LibraryImport(Library)]
    internal static partial int virConnectGetAllDomainStats(ConnectionHandle connection, uint stats, StatsRecord*** records, uint flags);

    [LibraryImport(Library)]
    internal static partial void virDomainStatsRecordListFree(StatsRecord** records);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial DomainHandle virDomainLookupByName(ConnectionHandle connection, string name);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial DomainHandle virDomainLookupByUUIDString(ConnectionHandle connection, string uuid);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial DomainHandle virDomainDefineXMLFlags(ConnectionHandle connection, string xml, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial DomainHandle virDomainCreateXML(ConnectionHandle connection, string xml, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainFree(nint domain);

    [LibraryImport(Library)]
    internal static partial byte* virDomainGetName(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainGetUUIDString(nint domain, byte* text);

    [LibraryImport(Library)]
    [return: MarshalUsing(typeof(OwnedText))]
    internal static partial string? virDomainGetXMLDesc(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainGetState(DomainHandle domain, out int state, out int reason, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainIsPersistent(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainIsActive(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainGetAutostart(DomainHandle domain, out int autostart);

    [LibraryImport(Library)]
    internal static partial int virDomainSetAutostart(DomainHandle domain, int autostart);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainGetBlockInfo(DomainHandle domain, string disk, out BlockInfo info, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainCreateWithFlags(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainShutdownFlags(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainReboot(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainDestroyFlags(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainSuspend(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainResume(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainHasManagedSaveImage(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainManagedSaveRemove(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainUndefineFlags(DomainHandle domain, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainRename(DomainHandle domain, string name, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainSetVcpusFlags(DomainHandle domain, uint count, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainSetMemoryFlags(DomainHandle domain, CULong kibibytes, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainUpdateDeviceFlags(DomainHandle domain, string xml, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainOpenGraphicsFD(DomainHandle domain, uint index, uint flags);

    [LibraryImport(Library)]
    [return: MarshalUsing(typeof(OwnedText))]
    internal static partial string? virDomainScreenshot(DomainHandle domain, StreamHandle stream, uint screen, uint flags);

    [LibraryImport(QemuLibrary, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainQemuMonitorCommand(DomainHandle domain, string command, byte** answer, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainListAllSnapshots(DomainHandle domain, nint** snapshots, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial SnapshotHandle virDomainSnapshotCreateXML(DomainHandle domain, string xml, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial SnapshotHandle virDomainSnapshotLookupByName(DomainHandle domain, string name, uint flags);

    [LibraryImport(Library)]
    [return: MarshalUsing(typeof(OwnedText))]
    internal static partial string? virDomainSnapshotGetXMLDesc(SnapshotHandle snapshot, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainSnapshotIsCurrent(SnapshotHandle snapshot, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainRevertToSnapshot(SnapshotHandle snapshot, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainSnapshotDelete(SnapshotHandle snapshot, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainSnapshotFree(nint snapshot);
}
