using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Workers.Front.Transport;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>The front's own sockets: nothing lost, nobody left waiting, whatever comes when.</summary>
public sealed class TransportTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly IoLoop _loop = new("test", NullLogger.Instance);

    [Fact]
    public async Task Bytes_pass_whole_both_ways_at_once_though_both_ends_are_slow()
    {
        var (mine, other) = Pair();
        using (mine)
        using (other)
        {
            var data = new byte[8 << 20];
            new Random(7).NextBytes(data);
            var got = new[] { new byte[data.Length], new byte[data.Length] };
            await Task.WhenAll(
                Task.Run(() => mine.SendAsync(data).AsTask()), Task.Run(() => FillAsync(got[0], into => mine.ReceiveAsync(into))),
                Task.Run(async () => { for (var at = 0; at < data.Length;) at += await other.SendAsync(data.AsMemory(at, Math.Min(60_001, data.Length - at))); }),
                Task.Run(() => FillAsync(got[1], into => other.ReceiveAsync(into[..Math.Min(into.Length, 40_009)])))).WaitAsync(Limit);
            Assert.All(got, g => Assert.True(data.AsSpan().SequenceEqual(g)));
        }
    }

    [Fact]
    public async Task The_end_is_noticed_however_close_behind_the_last_bytes_it_comes()
    {
        for (var round = 0; round < 500; round++)
        {
            var (mine, other) = Pair();
            using (mine)
            {
                var into = new byte[100];
                if (round % 2 == 0) other.Send(new byte[7]);
                var reading = mine.ReceiveAsync(into);
                if (round % 2 == 1) other.Send(new byte[7]);
                if (round % 3 == 0) other.Shutdown(SocketShutdown.Send);
                else other.Dispose();
                Assert.Equal(7, await reading.AsTask().WaitAsync(Limit));
                Assert.Equal(0, await mine.ReceiveAsync(into).AsTask().WaitAsync(Limit));
                await UntilAsync(() => mine.HasEnded);
                Assert.True(mine.IsReadable);
                other.Dispose();
            }
        }
    }

    [Fact]
    public async Task Who_waits_goes_on_in_the_loops_thread_and_wakes_at_a_cut_or_a_close()
    {
        var (mine, other) = Pair();
        using (mine)
        using (other)
        {
            var here = Task.Run(async () =>
            {
                await mine.ReceiveAsync(new byte[10]);
                return IoLoop.Here;
            });
            await Task.Delay(50); // it waits by then, or it found the byte: both are right, but only one is looked at here
            other.Send(new byte[1]);
            var loop = await here.WaitAsync(Limit);
            Assert.True(loop is null || loop == _loop);
            Assert.False(mine.HasEnded || mine.IsReadable);
            var cut = mine.ReceiveAsync(new byte[10]).AsTask();
            mine.Shutdown();
            Assert.Equal(0, await cut.WaitAsync(Limit));
        }
        (mine, var silent) = Pair();
        var waiting = mine.ReceiveAsync(new byte[10]).AsTask();
        mine.Dispose();
        mine.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting.WaitAsync(Limit));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => mine.SendAsync(new byte[1]).AsTask());
        silent.Dispose();
    }

    [Fact]
    public async Task What_waits_for_nothing_leaves_the_loop()
    {
        var (mine, other) = Pair();
        using (mine)
        using (other)
        {
            var seen = Task.Run(async () =>
            {
                await mine.ReceiveAsync(new byte[1]);
                await mine.ReceiveAsync(new byte[1]);
                await IoLoop.LeaveAsync();
                return IoLoop.Here;
            });
            other.Send(new byte[1]);
            await Task.Delay(50);
            other.Send(new byte[1]);
            Assert.Null(await seen.WaitAsync(Limit));
        }
    }

    [Fact]
    public async Task Who_sends_to_somebody_who_does_not_read_waits_and_is_told_of_the_end()
    {
        var (mine, other) = Pair();
        using (mine)
        {
            var sending = Task.Run(async () => { while (true) await mine.SendAsync(new byte[1 << 20]); });
            await Task.Delay(100);
            Assert.False(sending.IsCompleted);
            other.Dispose();
            await Assert.ThrowsAsync<SocketException>(() => sending.WaitAsync(Limit));
        }
    }

    [Fact]
    public async Task Many_sockets_come_and_go_and_none_gets_what_is_for_another()
    {
        await Parallel.ForAsync(0, 600, new ParallelOptions { MaxDegreeOfParallelism = 40 }, async (i, cancellation) =>
        {
            var (mine, other) = Pair();
            using (mine)
            using (other)
            {
                for (var turn = 0; turn < 5; turn++)
                {
                    var into = new byte[8];
                    var reading = mine.ReceiveAsync(into);
                    other.Send(BitConverter.GetBytes((long)i));
                    Assert.Equal(8, await reading.AsTask().WaitAsync(Limit, cancellation));
                    Assert.Equal(i, BitConverter.ToInt64(into));
                    await mine.SendAsync(into);
                    Assert.Equal(8, await other.ReceiveAsync(into, cancellation));
                }
            }
        });
    }

    public void Dispose() => _loop.Dispose();

    private (IoSocket Mine, Socket Other) Pair()
    {
        var path = Path.Combine(Path.GetTempPath(), $"qd-front-{Guid.NewGuid():N}.sock");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        other.Connect(new UnixDomainSocketEndPoint(path));
        var mine = listener.Accept();
        File.Delete(path);
        return (new IoSocket(mine, _loop), other);
    }

    private static async Task FillAsync(byte[] whole, Func<Memory<byte>, ValueTask<int>> receive)
    {
        for (var at = 0; at < whole.Length;)
        {
            var count = await receive(whole.AsMemory(at));
            Assert.True(count > 0, "it ended early");
            at += count;
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var until = DateTime.UtcNow + Limit; !condition(); await Task.Delay(5)) Assert.True(DateTime.UtcNow < until, "it was never told");
    }
}
