using Quarterdeck.Hosts;
using System.Buffers;
using System.Threading.Channels;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Pours a stream-optimised VMDK: one reader cuts the file into grains; as many workers as there are processors inflate and write them. Memory: a bounded number of grains.</summary>
internal static class PackedVmdk
{
    /// <summary>Bytes of unpacked grains handed over at once: waking a worker costs as much as a small grain.</summary>
    private const int BatchBytes = 512 << 10;

    public static async Task PourAsync(string file, BufferedReader reader, VmdkHeader header, Qcow2Writer image, CancellationToken cancellation)
    {
        var vmdk = new VmdkStream(file, reader);
        await vmdk.HeadAsync(header, cancellation);
        await GrainsAsync(file, vmdk, header, image, cancellation);
        await vmdk.EndAsync(cancellation);
    }

    private static async Task GrainsAsync(string file, VmdkStream vmdk, VmdkHeader header, Qcow2Writer image, CancellationToken cancellation)
    {
        var queue = Channel.CreateBounded<List<PackedGrain>>(new BoundedChannelOptions(12) { SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var workers = Enumerable.Range(0, Math.Max(2, System.Environment.ProcessorCount)).Select(_ => Task.Run(() => WorkAsync(file, queue.Reader, header, image, stop), CancellationToken.None)).ToArray();
        try
        {
            var batch = new List<PackedGrain>();
            var size = 0;
            await foreach (var grain in vmdk.GrainsAsync(header, stop.Token))
            {
                batch.Add(grain);
                if ((size += header.GrainBytes) < BatchBytes) continue;
                await queue.Writer.WriteAsync(batch, stop.Token);
                (batch, size) = ([], 0);
            }
            await queue.Writer.WriteAsync(batch, stop.Token);
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

    private static async Task WorkAsync(string file, ChannelReader<List<PackedGrain>> queue, VmdkHeader header, Qcow2Writer image, CancellationTokenSource stop)
    {
        var unpacked = new byte[header.GrainBytes];
        try
        {
            await foreach (var batch in queue.ReadAllAsync(stop.Token))
            foreach (var grain in batch)
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
