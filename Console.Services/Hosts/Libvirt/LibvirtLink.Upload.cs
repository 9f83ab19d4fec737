using Quarterdeck.Platform;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Writing volumes through the hypervisor.</content>
internal sealed unsafe partial class LibvirtLink
{
    /// <inheritdoc/>
    /// <remarks>One call from beginning to end: the stream belongs to the connection of the thread that opened it. Reading blocks that thread, which is there for that.</remarks>
    public Task UploadVolumeAsync(string path, Stream content, long length, CancellationToken cancellation) => _slow.RunAsync(
        () =>
        {
            const string What = "write the volume";
            using var volume = FindVolume(path) ?? throw new HypervisorException(HypervisorError.NotFound, What, $"No storage pool has '{path}'.");
            using var stream = LibvirtError.Check(Native.virStreamNew(Connection, 0), What);
            LibvirtError.Check(Native.virStorageVolUpload(volume, stream, 0, (ulong)length, 0), What);
            try
            {
                var buffer = new byte[256 * 1024];
                for (long sent = 0; sent < length;)
                {
                    var count = content.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, length - sent)), cancellation).AsTask().GetAwaiter().GetResult();
                    if (count == 0) throw new ProblemException(Problem.Invalid("content", $"It ended after {sent} of {length} bytes.", "Send it whole."));
                    Send(stream, buffer.AsSpan(0, count), What);
                    sent += count;
                }
            }
            catch
            {
                _ = Native.virStreamAbort(stream);
                throw;
            }
            return LibvirtError.Check(Native.virStreamFinish(stream), What);
        },
        "write the volume", Transfer, cancellation);

    private static void Send(StreamHandle stream, ReadOnlySpan<byte> data, string what)
    {
        fixed (byte* start = data)
            for (var at = 0; at < data.Length;)
                at += LibvirtError.Check(Native.virStreamSend(stream, start + at, (nuint)(data.Length - at)), what);
    }
}
