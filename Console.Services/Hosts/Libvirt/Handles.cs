using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace Quarterdeck.Hosts.Libvirt;

/// <summary>A libvirt object. Only its reference is counted here: freeing one whose connection is hung does not block, except for the connection itself.</summary>
internal abstract class LibvirtHandle() : SafeHandle(0, true)
{
    public override bool IsInvalid => handle == 0;

    /// <summary>Takes over a reference that a list call returned.</summary>
    public static T Own<T>(nint pointer) where T : LibvirtHandle, new()
    {
        var own = new T();
        own.SetHandle(pointer);
        return own;
    }
}

/// <summary>A connection. Closing talks to the other side, so the thread that uses it closes it, not a finaliser.</summary>
internal sealed class ConnectionHandle : LibvirtHandle
{
    protected override bool ReleaseHandle() => Native.virConnectClose(handle) >= 0;
}

/// <summary>A domain.</summary>
internal sealed class DomainHandle : LibvirtHandle
{
    protected override bool ReleaseHandle() => Native.virDomainFree(handle) >= 0;
}

/// <summary>A snapshot.</summary>
internal sealed class SnapshotHandle : LibvirtHandle
{
    protected override bool ReleaseHandle() => Native.virDomainSnapshotFree(handle) >= 0;
}

/// <summary>A checkpoint.</summary>
internal sealed class CheckpointHandle : LibvirtHandle
{
    protected override bool ReleaseHandle() => Native.virDomainCheckpointFree(handle) >= 0;
}

/// <summary>A storage pool.</summary>
internal sealed class PoolHandle : LibvirtHandle
{
    protected override bool ReleaseHandle() => Native.virStoragePoolFree(handle) >= 0;
}

/// <summary>A volume.</summary>
internal sealed class VolumeHandle : LibvirtHandle
{
    protected override bool ReleaseHandle() => Native.virStorageVolFree(handle) >= 0;
}

/// <summary>A network.</summary>
internal sealed class NetworkHandle : LibvirtHandle
{
    protected override bool ReleaseHandle() => Native.virNetworkFree(handle) >= 0;
}

/// <summary>A data stream.</summary>
internal sealed class StreamHandle : LibvirtHandle
{
    protected override bool ReleaseHandle() => Native.virStreamFree(handle) >= 0;
}

/// <summary>A <c>char *</c> that libvirt allocated with malloc and hands over.</summary>
[CustomMarshaller(typeof(string), MarshalMode.ManagedToUnmanagedOut, typeof(OwnedText))]
internal static unsafe class OwnedText
{
    public static string? ConvertToManaged(byte* text) => Marshal.PtrToStringUTF8((nint)text);

    public static void Free(byte* text) => NativeMemory.Free(text);

    /// <summary>A <c>const char *</c> that stays libvirt's.</summary>
    public static string Borrowed(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
