using Quarterdeck.Hosts;
using System.Buffers;
using System.Threading.Channels;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Pours a stream-optimised VMDK: one reader cuts the file into grains; as many workers as there are processors inflate and write them. Memory: a bounded number of grains.</summary>
internal static class PackedVmdk
{
    public static async Task PourAsync(string file, BufferedReader reader, VmdkHeader header, Qcow2Writer image, CancellationToken cancellation)
    {
        var vmdk = new VmdkStream(file, reader);
        await vmdk.HeadAsync(header, cancellation);
        await GrainsAsync(file, vmdk, header, image, cancellation);
        await vmdk.EndAsync(cancellation);
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
