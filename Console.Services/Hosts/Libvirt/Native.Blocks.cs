using System.Runtime.InteropServices;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Jobs on a running domain's disks.</content>
internal static unsafe partial class Native
{
    [StructLayout(LayoutKind.Sequential)]
    internal struct BlockJobInfo
    {
        public int Type;
        public ulong Bandwidth;
        public ulong Current;
        public ulong End;
    }

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainBlockCommit(DomainHandle domain, string disk, string? lower, string? top, ulong bandwidth, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainBlockPull(DomainHandle domain, string disk, ulong bandwidth, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainGetBlockJobInfo(DomainHandle domain, string disk, BlockJobInfo* info, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainBlockJobAbort(DomainHandle domain, string disk, uint flags);
}
