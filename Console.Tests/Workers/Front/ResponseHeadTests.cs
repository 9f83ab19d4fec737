using System.Text;
using Quarterdeck.Workers.Front.Http;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>Reading what compute servers send: strict, and the same wherever the bytes are cut.</summary>
public sealed class ResponseHeadTests
{
    private static ResponseHead Read(string text, bool toHead = false)
    {
        var head = new ResponseHead();
        Assert.True(head.TryRead(Encoding.Latin1.GetBytes(text), toHead, out var consumed));
        Assert.Equal(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4, consumed);
        return head;
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", Framing.Length, 6, true)]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", Framing.None, 0, true)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", Framing.Chunked, -1, true)]
    [InlineData("HTTP/1.1 200\r\n\r\n", Framing.UntilClose, -1, false)]
    [InlineData("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", Framing.None, 9, true)]
    [InlineData("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", Framing.None, -1, true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: x, Close\r\n\r\n", Framing.Length, 6, false)]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\n", Framing.Length, 6, false)]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", Framing.None, -1, true)]
    public void The_end_of_a_body_is_known_by_the_head(string text, object framing, long length, bool keeps)
    {
        var head = Read(text);
        Assert.Equal(((Framing)framing, length, keeps), (head.Framing, head.Length, head.KeepsAlive));
    }

    [Fact]
    public void An_answer_to_HEAD_has_no_body_whatever_it_announces() =>
        Assert.Equal((Framing.None, 6L), Read("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", toHead: true) is var head ? (head.Framing, head.Length) : default);

    [Theory]
    [InlineData("HTTP/2 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 20 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 2000 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 099 OK\r\n\r\n")]
    [InlineData("HTTP/1.1  200 OK\r\n\r\n")]
    [InlineData("ICY 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Length: 6\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 6, 6\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -6\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: +6\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0x6\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX : y\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n: y\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n")]
    public void What_is_ambiguous_is_refused(string text)
    {
        var e = Assert.Throws<UpstreamException>(() => new ResponseHead().TryRead(Encoding.Latin1.GetBytes(text), false, out _));
        Assert.Equal(UpstreamFault.Malformed, e.Fault);
    }

    [Fact]
    public void A_head_without_end_is_refused_in_time() =>
        Assert.Throws<UpstreamException>(() => new ResponseHead().TryRead(Encoding.Latin1.GetBytes("HTTP/1.1 200 OK\r\nX: " + new string('a', ResponseHead.MostBytes)), false, out _));

    [Fact]
    public void Half_a_head_waits_for_the_rest_wherever_it_is_cut()
    {
        const string text = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Name: va lue \r\n\r\n";
        var bytes = Encoding.Latin1.GetBytes(text);
        var head = new ResponseHead();
        for (var cut = 0; cut < bytes.Length; cut++) Assert.False(head.TryRead(bytes.AsSpan(0, cut), false, out _));
        Assert.True(head.TryRead(bytes, false, out _));
        var field = head.Fields[1];
        Assert.Equal(("X-Name", "va lue"), (text.Substring(field.NameAt, field.NameLength), text.Substring(field.ValueAt, field.ValueLength)));
    }

    [Fact]
    public void Whatever_is_changed_in_a_head_it_is_read_or_refused_never_anything_else()
    {
        var random = new Random(7);
        var whole = Encoding.Latin1.GetBytes("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b\r\nConnection: keep-alive\r\n\r\n");
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = whole.ToArray();
            for (var changes = random.Next(1, 5); changes > 0; changes--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var head = new ResponseHead();
            try
            {
                if (!head.TryRead(bytes, false, out var consumed)) continue;
                Assert.InRange(consumed, 4, bytes.Length);
                foreach (var field in head.Fields) Assert.True(field.NameLength > 0 && field.ValueAt + field.ValueLength <= consumed);
            }
            catch (UpstreamException e) { Assert.Equal(UpstreamFault.Malformed, e.Fault); }
        }
    }
}
