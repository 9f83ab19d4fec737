using System.IO.Pipelines;
using System.Net.WebSockets;
using Quarterdeck.Web.Vms;

namespace Quarterdeck.Tests.Web.Vms;

/// <summary>The pump between a browser's WebSocket and a hypervisor's stream.</summary>
public sealed class ScreenPumpTests
{
    private readonly Pipe _toGuest = new(), _fromGuest = new();
    private readonly WebSocket _browser, _server;
    private readonly Stream _screen;

    public ScreenPumpTests()
    {
        var (a, b) = (new Pipe(), new Pipe());
        _browser = WebSocket.CreateFromStream(new TwoWay(a.Reader, b.Writer), new WebSocketCreationOptions { IsServer = false });
        _server = WebSocket.CreateFromStream(new TwoWay(b.Reader, a.Writer), new WebSocketCreationOptions { IsServer = true });
        _screen = new TwoWay(_fromGuest.Reader, _toGuest.Writer);
    }

    [Fact]
    public async Task Bytes_pass_both_ways_unchanged()
    {
        var pump = ScreenPump.RunAsync(_server, _screen, CancellationToken.None);
        var keys = new byte[40_000];
        Random.Shared.NextBytes(keys);
        await _browser.SendAsync(keys, WebSocketMessageType.Binary, true, default);
        var typed = new byte[keys.Length];
        await _toGuest.Reader.AsStream().ReadExactlyAsync(typed);
        typed.ShouldBe(keys);

        var picture = new byte[200_000];
        Random.Shared.NextBytes(picture);
        var write = _fromGuest.Writer.WriteAsync(picture).AsTask();
        var seen = new List<byte>();
        var buffer = new byte[65536];
        while (seen.Count < picture.Length)
        {
            var read = await _browser.ReceiveAsync(buffer, default);
            read.MessageType.ShouldBe(WebSocketMessageType.Binary);
            seen.AddRange(buffer[..read.Count]);
        }
        await write;
        seen.ShouldBe(picture);
        await _browser.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", default);
        await pump.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task The_end_of_the_guest_closes_the_browsers_side_with_a_reason()
    {
        var pump = ScreenPump.RunAsync(_server, _screen, CancellationToken.None);
        await _fromGuest.Writer.CompleteAsync();
        var read = await _browser.ReceiveAsync(new byte[100], default);
        read.MessageType.ShouldBe(WebSocketMessageType.Close);
        _browser.CloseStatus.ShouldBe(WebSocketCloseStatus.NormalClosure);
        await pump.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_stopping_console_ends_the_pump_at_once_and_says_so()
    {
        using var stopping = new CancellationTokenSource();
        var pump = ScreenPump.RunAsync(_server, _screen, stopping.Token);
        await stopping.CancelAsync();
        await pump.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_long_reason_is_cut_to_what_a_close_frame_holds()
    {
        await ScreenPump.CloseAsync(_server, (WebSocketCloseStatus)4009, new string('ü', 300));
        await _browser.ReceiveAsync(new byte[200], default);
        ((int)_browser.CloseStatus!).ShouldBe(4009);
        System.Text.Encoding.UTF8.GetByteCount(_browser.CloseStatusDescription!).ShouldBeLessThanOrEqualTo(123);
    }

    private sealed class TwoWay(PipeReader input, PipeWriter output) : Stream
    {
        private readonly Stream _in = input.AsStream(), _out = output.AsStream();
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _in.ReadAsync(buffer, cancellationToken);
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _out.WriteAsync(buffer, cancellationToken);
        public override Task FlushAsync(CancellationToken cancellationToken) => _out.FlushAsync(cancellationToken);
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
