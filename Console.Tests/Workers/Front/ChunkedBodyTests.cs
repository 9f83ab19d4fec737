using System.Globalization;
using System.Text;
using Quarterdeck.Workers.Front.Http;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>Reading chunked bodies, however they are cut into pieces.</summary>
public sealed class ChunkedBodyTests
{
    /// <summary>What is read when the bytes come in pieces of at most so many; and what is left behind the body.</summary>
    private static (byte[] Data, bool Complete, int Left) Read(byte[] bytes, Func<int> piece)
    {
        var body = new ChunkedBody();
        var data = new List<byte>();
        var at = 0;
        while (at < bytes.Length && !body.IsComplete)
        {
            var input = bytes.AsSpan(at, Math.Min(piece(), bytes.Length - at));
            while (input.Length > 0 && !body.IsComplete)
            {
                data.AddRange(body.Next(input, out var consumed));
                Assert.True(consumed > 0);
                input = input[consumed..];
                at += consumed;
            }
        }
        return ([.. data], body.IsComplete, bytes.Length - at);
    }

    private static byte[] Encode(byte[] data, Random random)
    {
        var bytes = new List<byte>();
        void Add(string text) => bytes.AddRange(Encoding.Latin1.GetBytes(text));
        for (var at = 0; at < data.Length;)
        {
            var size = random.Next(1, Math.Min(300, data.Length - at) + 1);
            Add(size.ToString(random.Next(2) == 0 ? "x" : "X4", CultureInfo.InvariantCulture) + (random.Next(4) == 0 ? ";name=\"value\"" : "") + "\r\n");
            bytes.AddRange(data.AsSpan(at, size));
            Add("\r\n");
            at += size;
        }
        Add("0\r\n" + (random.Next(3) == 0 ? "Server-Timing: a\r\nX: y\r\n" : "") + "\r\n");
        return [.. bytes];
    }

    [Fact]
    public void The_data_come_back_whatever_the_chunks_and_the_pieces_are()
    {
        var random = new Random(11);
        for (var round = 0; round < 500; round++)
        {
            var data = new byte[random.Next(0, 2000)];
            random.NextBytes(data);
            var bytes = Encode(data, random);
            var (read, complete, left) = Read([.. bytes, 1, 2, 3], () => random.Next(1, round % 2 == 0 ? 4 : 700));
            Assert.Equal(data, read);
            Assert.True(complete);
            Assert.Equal(3, left); // what follows belongs to somebody else
        }
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData("g\r\n")]
    [InlineData("-1\r\n")]
    [InlineData("0x5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("5\nhello\r\n0\r\n\r\n")]
    [InlineData("5\r\nhello0\r\n\r\n")]
    [InlineData("5\r\nhello\n0\r\n\r\n")]
    [InlineData("5\r\nhello!\r\n0\r\n\r\n")]
    [InlineData("ffffffffffffffff\r\n")]
    [InlineData("0\r\nX: y\n\r\n")]
    [InlineData("5;\0\r\nhello\r\n")]
    public void A_damaged_chunk_is_refused(string text) =>
        Assert.Throws<UpstreamException>(() => Read(Encoding.Latin1.GetBytes(text), () => 3));

    [Fact]
    public void Names_of_extensions_and_trailers_without_end_are_refused()
    {
        Assert.Throws<UpstreamException>(() => Read(Encoding.Latin1.GetBytes("5;" + new string('a', 20_000)), () => 1000));
        Assert.Throws<UpstreamException>(() => Read(Encoding.Latin1.GetBytes("0\r\n" + new string('a', 40_000)), () => 1000));
    }

    [Fact]
    public void Whatever_is_changed_it_is_read_or_refused_never_anything_else()
    {
        var random = new Random(13);
        var data = new byte[400];
        for (var round = 0; round < 5_000; round++)
        {
            var bytes = Encode(data, random);
            for (var changes = random.Next(1, 4); changes > 0; changes--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try { Read(bytes, () => random.Next(1, 100)); }
            catch (UpstreamException e) { Assert.Equal(UpstreamFault.Malformed, e.Fault); }
        }
    }
}
