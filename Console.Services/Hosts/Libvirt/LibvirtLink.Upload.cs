using Quarterdeck.Platform;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Writing volumes through the hypervisor.</content>
internal sealed partial class LibvirtLink
{
    /// <inheritdoc/>
    public async Task UploadVolumeAsync(string path, Stream content, long length, CancellationToken cancellation)
    {
        const string What = "write the volume";
        using var stream = await _slow.RunAsync(
            () =>
            {
                using var volume = FindVolume(path) ?? throw new HypervisorException(HypervisorError.NotFound, What, $"No storage pool has '{path}'.");
                var fresh = LibvirtError.Check(Native.virStreamNew(_connection, 0), What);
                if (Native.virStorageVolUpload(volume, fresh, 0, (ulong)length, 0) >= 0) return fresh;
                var error = LibvirtError.Last(What);
                fresh.Dispose();
                throw error;
            },
            What, Power, cancellation);
        var ended = false;
        try
        {
            var buffer = new byte[256 * 1024];
            for (long sent = 0; sent < length;)
            {
                var count = await content.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, length - sent)), cancellation);
                if (count == 0) throw new ProblemException(Problem.Invalid("content", $"It ended after {sent} of {length} bytes.", "Send it whole."));
                await _slow.RunAsync(() => Send(stream, buffer.AsSpan(0, count), What), What, Power, cancellation);
                sent += count;
            }
            await _slow.RunAsync(() => LibvirtError.Check(Native.virStreamFinish(stream), What), What, Power, cancellation);
            ended = true;
        }
        finally
        {
            if (!ended) await AbortAsync(stream);
        }
    }

    private async Task AbortAsync(StreamHandle stream)
    {
        try { await _slow.RunAsync(() => Native.virStreamAbort(stream), "give the transfer up", Quick, CancellationToken.None); }
        catch (HypervisorException) { /* the connection is gone, and the stream with it */ }
    }
}
