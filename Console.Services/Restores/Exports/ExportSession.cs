using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Quarterdeck.Repositories;

namespace Quarterdeck.Restores.Exports;

/// <summary>The transmission phase of one connection: many requests at once, each answered when its chunks are there.</summary>
internal sealed class ExportSession(Stream stream, PointContent content, ChunkCache cache, Agreed agreed, Action<long> served)
{
    private const uint RequestMagic = 0x25609513, SimpleMagic = 0x67446698, ChunkMagic = 0x668e33ef;
    private const uint NotPermitted = 1, InputOutput = 5, NoMemory = 12, BadRequest = 22, NotSupported = 95;
    private const int AtOnce = 32, MostExtents = 2048;
    private const ushort ReadCommand = 0, WriteCommand = 1, Disconnect = 2, Flush = 3, CacheCommand = 5, BlockStatus = 7, OneExtent = 8;
    private readonly SemaphoreSlim _sending = new(1), _places = new(AtOnce);

    /// <summary>Serves until the client leaves.</summary>
    /// <exception cref="InvalidDataException">It does not speak the protocol.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var open = new HashSet<Task>();
        var head = new byte[28];
        try
        {
            while (true)
            {
                await stream.ReadExactlyAsync(head, cancellation);
                if (BinaryPrimitives.ReadUInt32BigEndian(head) != RequestMagic) throw new InvalidDataException("It sent something that is no request.");
                var request = new Request(BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(4)), BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(6)), BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(8)),
                    BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(16)), BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(24)));
                if (request.Command == Disconnect) return;
                if (request.Command == WriteCommand) await SkipAsync(request.Length, cancellation);
                await _places.WaitAsync(cancellation);
                open.RemoveWhere(t => t.IsCompletedSuccessfully);
                open.Add(Task.Run(() => AnswerAsync(request, cancellation), CancellationToken.None));
            }
        }
        finally
        {
            await Task.WhenAll(open);
        }
    }

    private async Task AnswerAsync(Request request, CancellationToken cancellation)
    {
        try
        {
            if (Refusal(request) is { } refused) await RefuseAsync(request, refused.Error, refused.Text, cancellation);
            else if (request.Command == ReadCommand) await ReadAsync(request, cancellation);
            else if (request.Command == BlockStatus) await StatusAsync(request, cancellation);
            else
            {
                if (request.Command == CacheCommand && request.Length > 0) cache.Announce(request.First, request.Last);
                await DoneAsync(request, cancellation);
            }
        }
        catch (RepositoryException e) { await TryRefuseAsync(request, e.Problem.Detail, cancellation); }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException) { /* nobody is there any more */ }
        finally { _places.Release(); }
    }

    private (uint Error, string Text)? Refusal(Request request) => request.Command switch
    {
        ReadCommand or BlockStatus or CacheCommand when request.Offset > (ulong)content.SizeBytes || request.Length > (ulong)content.SizeBytes - request.Offset => (BadRequest, "It is beyond the end of the disk."),
        ReadCommand when request.Length > ExportHandshake.LongestRequest => (NoMemory, "It is too much at once."),
        ReadCommand or BlockStatus when request.Length == 0 => (BadRequest, "It asks for nothing."),
        BlockStatus when !agreed.Allocation => (BadRequest, "No context was agreed on."),
        ReadCommand or BlockStatus or CacheCommand or Flush => null,
        WriteCommand or 4 or 6 => (NotPermitted, "A recovery point is read-only."), // trim and write-zeroes, too
        _ => (NotSupported, "This server does not know that command."),
    };

    private async Task ReadAsync(Request request, CancellationToken cancellation)
    {
        cache.Announce(request.First, request.Last);
        var length = (int)request.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var zeros = true;
            for (var (chunk, at) = (request.First, 0); chunk <= request.Last; chunk++)
            {
                var from = at == 0 ? (int)(request.Offset % Repository.ChunkSize) : 0;
                var count = Math.Min(Repository.ChunkSize - from, length - at);
                if (await cache.GetAsync(chunk) is { } bytes)
                {
                    bytes.AsSpan(from, count).CopyTo(buffer.AsSpan(at));
                    zeros = false;
                }
                else buffer.AsSpan(at, count).Clear();
                at += count;
            }
            if (agreed.Structured && zeros)
            {
                var hole = new byte[20 + 12];
                Chunk(hole, request.Cookie, 2, 12);
                BinaryPrimitives.WriteUInt64BigEndian(hole.AsSpan(20), request.Offset);
                BinaryPrimitives.WriteUInt32BigEndian(hole.AsSpan(28), request.Length);
                await SendAsync(hole, default, cancellation);
            }
            else if (agreed.Structured)
            {
                var head = new byte[20 + 8];
                Chunk(head, request.Cookie, 1, request.Length + 8);
                BinaryPrimitives.WriteUInt64BigEndian(head.AsSpan(20), request.Offset);
                await SendAsync(head, buffer.AsMemory(0, length), cancellation);
            }
            else await SendAsync(Simple(request.Cookie, 0), buffer.AsMemory(0, length), cancellation);
            served(length);
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
    }

    private async Task StatusAsync(Request request, CancellationToken cancellation)
    {
        var extents = new List<(uint Length, uint Flags)>();
        var ids = new ChunkId[256];
        var (at, end) = ((long)request.Offset, (long)request.Offset + request.Length);
        while (at < end && extents.Count < MostExtents)
        {
            var first = at / Repository.ChunkSize;
            await content.IdsAsync(first, ids, cancellation);
            for (var i = 0; i < ids.Length && at < end; i++)
            {
                var length = (uint)(Math.Min((first + i + 1) * Repository.ChunkSize, end) - at);
                var flags = ids[i].IsZero ? 3u : 0u; // a hole that reads as zeros; or data
                if (extents.Count > 0 && extents[^1].Flags == flags) extents[^1] = (extents[^1].Length + length, flags);
                else if ((request.Flags & OneExtent) != 0 && extents.Count == 1) { at = end; break; }
                else extents.Add((length, flags));
                at += length;
            }
        }
        var reply = new byte[20 + 4 + 8 * extents.Count];
        Chunk(reply, request.Cookie, 5, (uint)(4 + 8 * extents.Count));
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(20), ExportHandshake.AllocationId);
        foreach (var (i, (length, flags)) in extents.Index())
        {
            BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(24 + 8 * i), length);
            BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(28 + 8 * i), flags);
        }
        await SendAsync(reply, default, cancellation);
    }

    private async Task TryRefuseAsync(Request request, string text, CancellationToken cancellation)
    {
        try { await RefuseAsync(request, InputOutput, text, cancellation); }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException) { /* nobody is there any more */ }
    }

    private Task RefuseAsync(Request request, uint error, string text, CancellationToken cancellation)
    {
        if (!agreed.Structured) return SendAsync(Simple(request.Cookie, error), default, cancellation);
        var message = Encoding.UTF8.GetBytes(text.Length > 1000 ? text[..1000] : text);
        var reply = new byte[20 + 6 + message.Length];
        Chunk(reply, request.Cookie, 0x8001, (uint)(6 + message.Length));
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(20), error);
        BinaryPrimitives.WriteUInt16BigEndian(reply.AsSpan(24), (ushort)message.Length);
        message.CopyTo(reply.AsSpan(26));
        return SendAsync(reply, default, cancellation);
    }

    private Task DoneAsync(Request request, CancellationToken cancellation) => SendAsync(Simple(request.Cookie, 0), default, cancellation);

    private static byte[] Simple(ulong cookie, uint error)
    {
        var reply = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(reply, SimpleMagic);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(4), error);
        BinaryPrimitives.WriteUInt64BigEndian(reply.AsSpan(8), cookie);
        return reply;
    }

    // Each answer is one piece, so each piece is the last.
    private static void Chunk(Span<byte> into, ulong cookie, ushort type, uint length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(into, ChunkMagic);
        BinaryPrimitives.WriteUInt16BigEndian(into[4..], 1);
        BinaryPrimitives.WriteUInt16BigEndian(into[6..], type);
        BinaryPrimitives.WriteUInt64BigEndian(into[8..], cookie);
        BinaryPrimitives.WriteUInt32BigEndian(into[16..], length);
    }

    private async Task SendAsync(ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        await _sending.WaitAsync(cancellation);
        try
        {
            await stream.WriteAsync(head, cancellation);
            if (data.Length > 0) await stream.WriteAsync(data, cancellation);
        }
        finally { _sending.Release(); }
    }

    private async Task SkipAsync(uint length, CancellationToken cancellation)
    {
        if (length > ExportHandshake.LongestRequest) throw new InvalidDataException($"It wants to write {length} bytes at once.");
        var buffer = ArrayPool<byte>.Shared.Rent(65536);
        try
        {
            for (var left = (int)length; left > 0;) left -= await stream.ReadAsync(buffer.AsMemory(0, Math.Min(left, buffer.Length)), cancellation) is var read and > 0 ? read : throw new EndOfStreamException();
        }
        finally { ArrayPool<byte>.Shared.Return(buffer); }
    }

    private readonly record struct Request(ushort Flags, ushort Command, ulong Cookie, ulong Offset, uint Length)
    {
        public long First => (long)Offset / Repository.ChunkSize;

        public long Last => ((long)Offset + Length - 1) / Repository.ChunkSize;
    }
}
