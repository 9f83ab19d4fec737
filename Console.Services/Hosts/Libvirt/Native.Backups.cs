using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Backups, checkpoints, the guest's agent.</content>
internal static unsafe partial class Native
{
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainBackupBegin(DomainHandle domain, string backup, string? checkpoint, uint flags);

    [LibraryImport(Library)]
    [return: MarshalUsing(typeof(OwnedText))]
    internal static partial string? virDomainBackupGetXMLDesc(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainAbortJob(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainListAllCheckpoints(DomainHandle domain, nint** checkpoints, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial CheckpointHandle virDomainCheckpointCreateXML(DomainHandle domain, string xml, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial CheckpointHandle virDomainCheckpointLookupByName(DomainHandle domain, string name, uint flags);

    [LibraryImport(Library)]
    internal static partial byte* virDomainCheckpointGetName(CheckpointHandle checkpoint);

    [LibraryImport(Library)]
    [return: MarshalUsing(typeof(OwnedText))]
    internal static partial string? virDomainCheckpointGetXMLDesc(CheckpointHandle checkpoint, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainCheckpointDelete(CheckpointHandle checkpoint, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainCheckpointFree(nint checkpoint);

    [LibraryImport(Library)]
    internal static partial int virDomainFSFreeze(DomainHandle domain, byte** mountPoints, uint count, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainFSThaw(DomainHandle domain, byte** mountPoints, uint count, uint flags);
}
