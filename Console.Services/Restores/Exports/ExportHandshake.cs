using System.Buffers.Binary;
using System.Text;

namespace Quarterdeck.Restores.Exports;

/// <summary>What a client agreed to.</summary>
/// <param name="Structured">Whether it takes structured replies.</param>
/// <param name="Allocation">Whether it may ask which parts are zeros (<c>base:allocation</c>).</param>
internal sealed record Agreed(bool Structured, bool Allocation);

/// <summary>The server's side of the fixed newstyle handshake.</summary>
/// <remarks>Written from the protocol's public description, <c>doc/proto.md</c> of NetworkBlockDevice/nbd.</remarks>
internal sealed class ExportHandshake(Stream stream, string target, long sizeBytes)
{
    /// <summary>Largest read that is answered.</summary>
    public const int LongestRequest = 32 << 20;

    /// <summary>Id of <c>base:allocation</c> in replies.</summary>
    public const uint AllocationId = 1;

    private const ulong Greeting = 0x4e42444d41474943, Newstyle = 0x49484156454F5054, OptionReply = 0x0003e889045565a9;
    private const ushort FixedNewstyle = 1, NoZeroes = 2;
    private const ushort TransmissionFlags = 1 /* has flags */ | 2 /* read-only */ | 4 /* flush */ | 0x80 /* don't fragment */ | 0x100 /* many connections */ | 0x400 /* cache */;
    private const uint Ack = 1, Server = 2, Info = 3, MetaContext = 4, Unsupported = 0x8000_0001, Invalid = 0x8000_0003, Unknown = 0x8000_0006;
    private const int LongestOption = 64 * 1024, MostOptions = 100;
    private const string Allocation = "base:allocation";
    private bool _structured, _allocation;

    /// <summary>Agrees; null when the client left.</summary>
    /// <exception cref="InvalidDataException">It does not speak the protocol.</exception>
    public async Task<Agreed?> PerformAsync(CancellationToken cancellation)
    {
        var hello = new byte[18];
        BinaryPrimitives.WriteUInt64BigEndian(hello, Greeting);
        BinaryPrimitives.WriteUInt64BigEndian(hello.AsSpan(8), Newstyle);
        BinaryPrimitives.WriteUInt16BigEndian(hello.AsSpan(16), FixedNewstyle | NoZeroes);
        await stream.WriteAsync(hello, cancellation);
        var flags = new byte[4];
        await stream.ReadExactlyAsync(flags, cancellation);
        var shortAnswer = (flags[3] & NoZeroes) != 0;
        var head = new byte[16];
        for (var options = 0; options < MostOptions; options++)
        {
            await stream.ReadExactlyAsync(head, cancellation);
            if (BinaryPrimitives.ReadUInt64BigEndian(head) != Newstyle) throw new InvalidDataException("It does not speak NBD.");
            var (option, length) = (BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8)), BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12)));
            if (length > LongestOption) throw new InvalidDataException($"Its option has {length} bytes.");
            var data = new byte[length];
            await stream.ReadExactlyAsync(data, cancellation);
            switch (option)
            {
                case 1 when IsOurs(Encoding.UTF8.GetString(data)): // export name: no answer but the export itself
                    var answer = new byte[shortAnswer ? 10 : 134];
                    Export(answer);
                    await stream.WriteAsync(answer, cancellation);
                    return new Agreed(_structured, _allocation);
                case 1:
                    return null;
                case 2: // abort
                    await ReplyAsync(option, Ack, default, cancellation);
                    return null;
                case 3: // list
                    await ReplyAsync(option, Server, Text(target), cancellation);
                    await ReplyAsync(option, Ack, default, cancellation);
                    break;
                case 6 or 7 when ExportOf(data) is not { } name || !IsOurs(name): // info, go
                    await ReplyAsync(option, ExportOf(data) is null ? Invalid : Unknown, default, cancellation);
                    break;
                case 6 or 7:
                    await InfoAsync(option, cancellation);
                    if (option == 7) return new Agreed(_structured, _allocation);
                    break;
                case 8: // structured replies
                    _structured = true;
                    await ReplyAsync(option, Ack, default, cancellation);
                    break;
                case 9 or 10 when _structured: // list and set contexts
                    await ContextsAsync(option, data, cancellation);
                    break;
                case 9 or 10:
                    await ReplyAsync(option, Invalid, default, cancellation);
                    break;
                default:
                    await ReplyAsync(option, Unsupported, default, cancellation);
                    break;
            }
        }
        throw new InvalidDataException("It negotiates without end.");
    }

    private bool IsOurs(string name) => name.Length == 0 || name == target;

    private async Task InfoAsync(uint option, CancellationToken cancellation)
    {
        var export = new byte[12];
        Export(export.AsSpan(2));
        await ReplyAsync(option, Info, export, cancellation);
        var sizes = new byte[14];
        BinaryPrimitives.WriteUInt16BigEndian(sizes, 3);
        BinaryPrimitives.WriteUInt32BigEndian(sizes.AsSpan(2), 1);
        BinaryPrimitives.WriteUInt32BigEndian(sizes.AsSpan(6), 65536);
        BinaryPrimitives.WriteUInt32BigEndian(sizes.AsSpan(10), LongestRequest);
        await ReplyAsync(option, Info, sizes, cancellation);
        await ReplyAsync(option, Ack, default, cancellation);
    }

    private async Task ContextsAsync(uint option, byte[] data, CancellationToken cancellation)
    {
        if (Queries(data) is not { } asked)
        {
            await ReplyAsync(option, Invalid, default, cancellation);
            return;
        }
        if (!IsOurs(asked.Export))
        {
            await ReplyAsync(option, Unknown, default, cancellation);
            return;
        }
        // To list, no query at all means everything; "base:" means all of that kind.
        var wanted = asked.Names.Any(n => n == Allocation || option == 9 && n == "base:") || option == 9 && asked.Names.Count == 0;
        if (option == 10) _allocation = wanted;
        if (wanted)
        {
            var context = new byte[4 + Allocation.Length];
            BinaryPrimitives.WriteUInt32BigEndian(context, AllocationId);
            Encoding.ASCII.GetBytes(Allocation, context.AsSpan(4));
            await ReplyAsync(option, MetaContext, context, cancellation);
        }
        await ReplyAsync(option, Ack, default, cancellation);
    }

    private void Export(Span<byte> into)
    {
        BinaryPrimitives.WriteUInt64BigEndian(into, (ulong)sizeBytes);
        BinaryPrimitives.WriteUInt16BigEndian(into[8..], TransmissionFlags);
    }

    private async Task ReplyAsync(uint option, uint type, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        var reply = new byte[20 + data.Length];
        BinaryPrimitives.WriteUInt64BigEndian(reply, OptionReply);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(8), option);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(12), type);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(16), (uint)data.Length);
        data.CopyTo(reply.AsMemory(20));
        await stream.WriteAsync(reply, cancellation);
    }

    private static byte[] Text(string text)
    {
        var bytes = new byte[4 + Encoding.UTF8.GetByteCount(text)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)bytes.Length - 4);
        Encoding.UTF8.GetBytes(text, bytes.AsSpan(4));
        return bytes;
    }

    private static string? ExportOf(byte[] data) => TakeText(data, 0) is { } name && data.Length >= name.Next + 2 ? name.Text : null;

    private static (string Export, List<string> Names)? Queries(byte[] data)
    {
        if (TakeText(data, 0) is not { } export || data.Length < export.Next + 4) return null;
        var names = new List<string>();
        var at = export.Next + 4;
        for (var left = BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(export.Next)); left > 0; left--)
        {
            if (TakeText(data, at) is not { } name) return null;
            names.Add(name.Text);
            at = name.Next;
        }
        return (export.Text, names);
    }

    private static (string Text, int Next)? TakeText(byte[] data, int at)
    {
        if (data.Length < at + 4) return null;
        var length = BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(at));
        return length > data.Length - at - 4 ? null : (Encoding.UTF8.GetString(data, at + 4, (int)length), at + 4 + (int)length);
    }
}
