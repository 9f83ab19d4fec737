using System.Buffers;
using System.Threading.Channels;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Pours a package's disk file into a new qcow2 image while it is read.</summary>
/// <remarks>One reader cuts the file into grains; as many workers as there are processors inflate and write them. Memory: a bounded number of grains.</remarks>
internal static class DiskPour
{
    /// <param name="file">The file's name, for refusals.</param>
    /// <param name="source">The file.</param>
    /// <param name="capacity">What the descriptor says; an image that differs is refused.</param>
    /// <param name="path">The image to write.</param>
    /// <param name="cancellation">Stops; the image is left without a header.</param>
    public static async Task RunAsync(string file, Stream source, long capacity, string path, CancellationToken cancellation)
    {
        var sector = new byte[VmdkHeader.Sector];
        var head = await source.ReadAtLeastAsync(sector, sector.Length, throwOnEndOfStream: false, cancellation);
        RefuseOthers(file, sector.AsSpan(0, head));
        if (head < sector.Length) throw Refusal.Truncated(file);
        var vmdk = new VmdkStream(file, source);
        var header = await vmdk.HeaderAsync(sector, cancellation);
        if (header.CapacityBytes != capacity) throw Refusal.Of(file, $"it is a disk of {header.CapacityBytes} bytes, but the descriptor says {capacity}.");
        using var image = new Qcow2Writer(path, capacity);
        await GrainsAsync(file, vmdk, header, image, cancellation);
        await vmdk.EndAsync(cancellation);
        await Task.Run(image.Finish, cancellation);
    }

    private static void RefuseOthers(string file, ReadOnlySpan<byte> head)
    {
        if (VmdkHeader.HasMagic(head)) return;
        if (head.IndexOf("# Disk DescriptorFile"u8) >= 0) throw Refusal.Of(file, "it is a text descriptor, which could name files of this host.", "Export it with stream-optimised disks.");
        var kind = head.StartsWith("QFI"u8) ? "a qcow2 image" : head.StartsWith("COWD"u8) ? "an old sparse VMDK" : head.StartsWith("conectix"u8) ? "a VHD image" : head.StartsWith("vhdxfile"u8) ? "a VHDX image" : "no disk format that is known";
        throw Refusal.Of(file, $"it is {kind}; only stream-optimised VMDK is taken.", "Convert it: qemu-img convert -O vmdk -o subformat=streamOptimized.");
    }

    private static async Task GrainsAsync(string file, VmdkStream vmdk, VmdkHeader header, Qcow2Writer image, CancellationToken cancellation)
    {
        var queue = Channel.CreateBounded<PackedGrain>(new BoundedChannelOptions(64) { SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var workers = Enumerable.Range(0, Math.Max(2, System.Environment.ProcessorCount)).Select(_ => Task.Run(() => WorkAsync(file, queue.Reader, header, image, stop), CancellationToken.None)).ToArray();
        try
        {
            await foreach (var grain in vmdk.GrainsAsync(header, stop.Token)) await queue.Writer.WriteAsync(grain, stop.Token);
            queue.Writer.Complete();
        }
        catch (Exception e)
        {
            queue.Writer.TryComplete(e);
            await stop.CancelAsync();
            // A worker's refusal is the cause when it stopped the reader, and it is what WhenAll throws.
            await Task.WhenAll(workers);
            throw;
        }
        await Task.WhenAll(workers);
    }

    private static async Task WorkAsync(string file, ChannelReader<PackedGrain> queue, VmdkHeader header, Qcow2Writer image, CancellationTokenSource stop)
    {
        var unpacked = new byte[header.GrainBytes];
        try
        {
            await foreach (var grain in queue.ReadAllAsync(stop.Token))
            {
                GrainInflater.Inflate(file, grain, unpacked);
                ArrayPool<byte>.Shared.Return(grain.Buffer);
                if (!image.Write(grain.Offset, unpacked.AsSpan(0, grain.Size))) throw Refusal.Of(file, $"the grain at byte {grain.Offset} is in it twice.");
            }
        }
        catch (Exception e) when (e is ProblemException or IOException)
        {
            await stop.CancelAsync();
            throw;
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            // The reader or another worker tells why.
        }
    }
}
