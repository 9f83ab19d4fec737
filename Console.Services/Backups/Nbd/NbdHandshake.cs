using System.Buffers.Binary;
using System.Text;

namespace Quarterdeck.Backups.Nbd;

/// <summary>The fixed newstyle handshake: structured replies, meta contexts, then the export.</summary>
/// <remarks>Written from the protocol's public description, <c>doc/proto.md</c> of NetworkBlockDevice/nbd.</remarks>
internal sealed class NbdHandshake(Stream send, Stream receive)
{
    private const ulong Greeting = 0x4e42444d41474943, Newstyle = 0x49484156454F5054, OptionReply = 0x0003e889045565a9;
    private const uint StructuredReplies = 8, SetMetaContext = 10, Go = 7;
    private const uint Ack = 1, Info = 3, MetaContext = 4, Refused = 0x8000_0000;
    private const int MostReplies = 256, LongestReply = 64 * 1024;

    /// <summary>Agrees on an export.</summary>
    /// <exception cref="NbdException">The other side is no such server, or has no such export.</exception>
    public async Task<NbdExport> PerformAsync(string export, IReadOnlyList<string> contexts, CancellationToken cancellation)
    {
        var hello = await ReadAsync(18, cancellation);
        if (BinaryPrimitives.ReadUInt64BigEndian(hello) != Greeting || BinaryPrimitives.ReadUInt64BigEndian(hello.AsSpan(8)) != Newstyle)
            throw new NbdException("The other side is not an NBD server of the newstyle protocol.");
        var flags = BinaryPrimitives.ReadUInt16BigEndian(hello.AsSpan(16));
        if ((flags & 1) == 0) throw new NbdException("The NBD server does not speak the fixed newstyle protocol.");
        await send.WriteAsync(new byte[] { 0, 0, 0, (byte)(flags & 3) }, cancellation);

        var structured = (await AskAsync(StructuredReplies, [], cancellation)).Refusal is null;
        var agreed = new Dictionary<string, uint>();
        if (structured && contexts.Count > 0)
        {
            var (replies, refusal) = await AskAsync(SetMetaContext, ContextRequest(export, contexts), cancellation);
            if (refusal is not null) throw new NbdException($"The NBD server refuses to tell about the export '{export}': {refusal}");
            foreach (var (type, data) in replies)
                if (type == MetaContext && data.Length >= 4 && Encoding.UTF8.GetString(data, 4, data.Length - 4) is var name && contexts.Contains(name))
                    agreed[name] = BinaryPrimitives.ReadUInt32BigEndian(data);
        }
        var (infos, no) = await AskAsync(Go, ExportRequest(export), cancellation);
        if (no is not null) throw new NbdException($"The NBD server does not open the export '{export}': {no}");
        foreach (var (type, data) in infos)
            if (type == Info && data.Length >= 12 && BinaryPrimitives.ReadUInt16BigEndian(data) == 0)
            {
                var size = BinaryPrimitives.ReadUInt64BigEndian(data.AsSpan(2));
                if (size > long.MaxValue) throw new NbdException($"The NBD server claims an impossible size, {size} bytes.");
                return new NbdExport((long)size, BinaryPrimitives.ReadUInt16BigEndian(data.AsSpan(10)), agreed);
            }
        throw new NbdException($"The NBD server did not tell the size of the export '{export}'.");
    }

    private static byte[] ExportRequest(string export)
    {
        var request = new MemoryStream();
        WriteText(request, export);
        request.Write([0, 0]); // no information asked for beyond the size
        return request.ToArray();
    }

    private static byte[] ContextRequest(string export, IReadOnlyList<string> contexts)
    {
        var request = new MemoryStream();
        WriteText(request, export);
        WriteNumber(request, (uint)contexts.Count);
        foreach (var context in contexts) WriteText(request, context);
        return request.ToArray();
    }

    private async Task<(List<(uint Type, byte[] Data)> Replies, string? Refusal)> AskAsync(uint option, byte[] data, CancellationToken cancellation)
    {
        var request = new byte[16 + data.Length];
        BinaryPrimitives.WriteUInt64BigEndian(request, Newstyle);
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(8), option);
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(12), (uint)data.Length);
        data.CopyTo(request, 16);
        await send.WriteAsync(request, cancellation);
        var replies = new List<(uint, byte[])>();
        while (replies.Count < MostReplies)
        {
            var head = await ReadAsync(20, cancellation);
            if (BinaryPrimitives.ReadUInt64BigEndian(head) != OptionReply || BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8)) != option)
                throw new NbdException("The NBD server answered something else than it was asked.");
            var type = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12));
            var length = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(16));
            if (length > LongestReply) throw new NbdException($"The NBD server's answer of {length} bytes is too long.");
            var body = await ReadAsync((int)length, cancellation);
            if (type == Ack) return (replies, null);
            if ((type & Refused) != 0) return (replies, body.Length > 0 ? Encoding.UTF8.GetString(body) : $"refusal {type & ~Refused}");
            replies.Add((type, body));
        }
        throw new NbdException($"The NBD server answered more than {MostReplies} times.");
    }

    private async Task<byte[]> ReadAsync(int length, CancellationToken cancellation)
    {
        var data = new byte[length];
        await receive.ReadExactlyAsync(data, cancellation);
        return data;
    }

    private static void WriteText(Stream stream, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        WriteNumber(stream, (uint)bytes.Length);
        stream.Write(bytes);
    }

    private static void WriteNumber(Stream stream, uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        stream.Write(bytes);
    }
}
