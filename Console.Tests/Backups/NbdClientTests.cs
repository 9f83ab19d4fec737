using System.Diagnostics;
using Quarterdeck.Backups;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Backups;

/// <summary>The disk client against a real qemu-nbd, and against servers that lie.</summary>
public sealed class NbdClientTests
{
    private const string Allocation = "base:allocation";
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task It_reads_what_it_wrote_with_many_requests_in_flight_and_tells_holes_from_data()
    {
        await using var server = await QemuNbd.StartAsync(16 << 20);
        await using var disk = await NbdClient.ConnectAsync(server.Socket, "disk", [Allocation, "qemu:dirty-bitmap:none"], None);
        (disk.Size, disk.ReadOnly, disk.CanFlush, disk.CanWriteZeroes, disk.CanTrim).ShouldBe((16L << 20, false, true, true, true));
        disk.Contexts.ShouldBe([Allocation]);
        var random = new Random(7);
        var pieces = Enumerable.Range(0, 100).Select(i => (Offset: i * 80_000L, Data: new byte[1 + random.Next(70_000)])).ToList();
        foreach (var (_, data) in pieces) random.NextBytes(data);
        await Task.WhenAll(pieces.Select(p => disk.WriteAsync(p.Offset, p.Data, None)));
        await disk.WriteZeroesAsync(4 << 20, 2 << 20, None);
        await disk.TrimAsync(12 << 20, 4 << 20, None);
        await disk.FlushAsync(None);
        var read = pieces.Where(p => p.Offset + p.Data.Length <= 4 << 20 || p.Offset >= 6 << 20).Select(async p =>
        {
            var buffer = new byte[p.Data.Length];
            await disk.ReadAsync(p.Offset, buffer, None);
            buffer.AsSpan().SequenceEqual(p.Data).ShouldBeTrue($"at {p.Offset}");
        });
        await Task.WhenAll(read);
        var zeroes = Enumerable.Repeat((byte)9, 2 << 20).ToArray();
        await disk.ReadAsync(4 << 20, zeroes, None);
        zeroes.ShouldAllBe(b => b == 0);
        disk.BytesWritten.ShouldBe(pieces.Sum(p => p.Data.Length));

        var extents = new List<NbdExtent>();
        await foreach (var extent in disk.ExtentsAsync(Allocation, 0, disk.Size, None)) extents.Add(extent);
        extents[0].Offset.ShouldBe(0);
        extents[^1].End.ShouldBe(disk.Size);
        extents.Zip(extents.Skip(1)).ShouldAllBe(p => p.First.End == p.Second.Offset && p.First.Flags != p.Second.Flags);
        extents.ShouldContain(e => e.Flags == 0);
        extents[^1].Flags.ShouldBe(3u);
    }

    [Fact]
    public async Task What_the_server_does_not_have_or_allow_is_said_in_words()
    {
        await using var server = await QemuNbd.StartAsync(1 << 20, "--read-only");
        (await Should.ThrowAsync<NbdException>(NbdClient.ConnectAsync(server.Socket, "other", [], None))).Message.ShouldContain("'other'");
        (await Should.ThrowAsync<NbdException>(NbdClient.ConnectAsync(server.Socket + ".gone", "disk", [], None))).Message.ShouldContain("cannot be reached");
        await using var disk = await NbdClient.ConnectAsync(server.Socket, "disk", [], None);
        disk.ReadOnly.ShouldBeTrue();
        var refused = await Should.ThrowAsync<NbdException>(disk.WriteAsync(0, new byte[512], None));
        refused.Broken.ShouldBeFalse();
        await disk.ReadAsync(0, new byte[512], None); // it goes on
        await Should.ThrowAsync<ArgumentOutOfRangeException>(async () => await disk.ReadAsync((1 << 20) - 1, new byte[2], None));
    }

    [Fact]
    public async Task A_server_that_dies_fails_every_request_at_once()
    {
        await using var server = await QemuNbd.StartAsync(1 << 20);
        await using var disk = await NbdClient.ConnectAsync(server.Socket, "disk", [], None);
        await disk.ReadAsync(0, new byte[512], None);
        server.Kill();
        (await Should.ThrowAsync<NbdException>(() => UntilItFails(disk))).Broken.ShouldBeTrue();
        (await Should.ThrowAsync<NbdException>(disk.FlushAsync(None))).Broken.ShouldBeTrue();
    }

    [Fact]
    public async Task Cancelling_a_request_in_flight_leaves_its_buffer_alone()
    {
        using var server = new HostileServer(async wire =>
        {
            await wire.HandshakeAsync();
            await wire.RequestAsync();
            await Task.Delay(Timeout.Infinite);
        });
        await using var disk = await NbdClient.ConnectAsync(server.Path, "", [], None);
        using var stop = new CancellationTokenSource();
        var reading = disk.ReadAsync(0, new byte[512], stop.Token);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(reading);
        await Should.ThrowAsync<Exception>(disk.ReadAsync(0, new byte[512], None));
    }

    public static TheoryData<string> Lies => [.. Lying.Keys];

    private static readonly Dictionary<string, Func<HostileServer.Wire, Task>> Lying = new()
    {
        ["no server"] = wire => wire.SendAsync("SSH-2.0-OpenSSH_9.2p1 Debian"u8.ToArray()),
        ["old protocol"] = wire => wire.SendAsync(0x4e42444d41474943ul, 0x49484156454F5054ul, (ushort)0),
        ["endless answers"] = wire => AnswerAsync(wire, async option => { while (true) await wire.ReplyAsync(option, 3, []); }),
        ["answer too long"] = wire => AnswerAsync(wire, option => wire.SendAsync(0x0003e889045565a9ul, option, 3u, uint.MaxValue)),
        ["answer to nothing"] = wire => AnswerAsync(wire, _ => wire.ReplyAsync(99, 1, [])),
        ["impossible size"] = async wire =>
        {
            await AnswerAsync(wire, async option =>
            {
                await wire.ReplyAsync(option, 3, [0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 1]);
                await wire.ReplyAsync(option, 1, []);
            }, 2);
        },
        ["no size"] = wire => AnswerAsync(wire, option => wire.ReplyAsync(option, 1, []), 2),
        ["hangs up"] = _ => Task.CompletedTask,
        ["no reply"] = wire => RepliedAsync(wire, _ => wire.SendAsync(0xdeadbeefu, 0ul, 0ul)),
        ["foreign cookie"] = wire => RepliedAsync(wire, cookie => wire.SendAsync(0x67446698u, 0u, cookie + 7)),
        ["data outside"] = wire => RepliedAsync(wire, cookie => wire.ChunkAsync(1, 1, cookie, 8 + 512, 4096ul, new byte[512])),
        ["data before"] = wire => RepliedAsync(wire, cookie => wire.ChunkAsync(1, 1, cookie, 8 + 512, ulong.MaxValue, new byte[512])),
        ["data twice"] = wire => RepliedAsync(wire, async cookie =>
        {
            await wire.ChunkAsync(0, 1, cookie, 8 + 512, 0ul, new byte[512]);
            await wire.ChunkAsync(1, 1, cookie, 8 + 512, 0ul, new byte[512]);
        }),
        ["too little"] = wire => RepliedAsync(wire, cookie => wire.ChunkAsync(1, 1, cookie, 8 + 100, 0ul, new byte[100])),
        ["nothing at all"] = wire => RepliedAsync(wire, cookie => wire.ChunkAsync(1, 0, cookie, 0)),
        ["huge hole"] = wire => RepliedAsync(wire, cookie => wire.ChunkAsync(1, 2, cookie, 12, 0ul, uint.MaxValue)),
        ["huge data"] = wire => RepliedAsync(wire, cookie => wire.ChunkAsync(1, 1, cookie, uint.MaxValue, 0ul)),
        ["status instead of data"] = wire => RepliedAsync(wire, cookie => wire.ChunkAsync(1, 5, cookie, 12, 1u, 512u, 0u)),
        ["long excuse"] = wire => RepliedAsync(wire, cookie => wire.ChunkAsync(1, 0x8001, cookie, 1 << 20)),
        ["short excuse"] = wire => RepliedAsync(wire, cookie => wire.ChunkAsync(1, 0x8001, cookie, 6, 5u, ushort.MaxValue)),
        ["unknown part"] = wire => RepliedAsync(wire, cookie => wire.ChunkAsync(1, 77, cookie, 0)),
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task A_server_that_breaks_the_protocol_is_told_from_a_good_one(string lie)
    {
        using var server = new HostileServer(Lying[lie]);
        var problem = await Should.ThrowAsync<NbdException>(async () =>
        {
            await using var disk = await NbdClient.ConnectAsync(server.Path, "", [], None).WaitAsync(TimeSpan.FromSeconds(60));
            await disk.ReadAsync(0, new byte[512], None).WaitAsync(TimeSpan.FromSeconds(60));
        });
        problem.Message.ShouldContain("server");
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(null)]
    public async Task Statuses_without_length_or_without_end_do_not_hold_the_client(uint? length)
    {
        using var server = new HostileServer(async wire =>
        {
            await wire.HandshakeAsync();
            var cookie = await wire.RequestAsync();
            if (length is null) await wire.ChunkAsync(1, 0, cookie, 0);
            else await wire.ChunkAsync(1, 5, cookie, 12, 1u, length, 0u);
            await Task.Delay(Timeout.Infinite);
        });
        await using var disk = await NbdClient.ConnectAsync(server.Path, "", [Allocation], None);
        await Should.ThrowAsync<NbdException>(async () =>
        {
            await foreach (var _ in disk.ExtentsAsync(Allocation, 0, disk.Size, None)) { }
        });
    }

    private static async Task UntilItFails(NbdClient disk)
    {
        for (var i = 0; i < 1000; i++)
        {
            await disk.ReadAsync(0, new byte[512], None);
            await Task.Delay(10);
        }
    }

    // Answers the nth option by its own will, those before properly.
    private static async Task AnswerAsync(HostileServer.Wire wire, Func<uint, Task> answer, int nth = 1)
    {
        await wire.SendAsync(0x4e42444d41474943ul, 0x49484156454F5054ul, (ushort)3);
        await wire.ReadAsync(4);
        for (var i = 1; ; i++)
        {
            var head = await wire.ReadAsync(16);
            var option = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8));
            await wire.ReadAsync((int)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12)));
            if (i < nth) await wire.ReplyAsync(option, 1, []);
            else await answer(option);
        }
    }

    private static async Task RepliedAsync(HostileServer.Wire wire, Func<ulong, Task> reply)
    {
        await wire.HandshakeAsync();
        await reply(await wire.RequestAsync());
        await Task.Delay(Timeout.Infinite);
    }

    private sealed class QemuNbd : IAsyncDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("qd-nbd-");
        private Process? _process;

        public string Socket => Path.Combine(_folder.FullName, "s");

        public static async Task<QemuNbd> StartAsync(long size, params string[] more)
        {
            var server = new QemuNbd();
            var image = Path.Combine(server._folder.FullName, "disk.qcow2");
            await SystemLibvirt.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", image, size.ToString());
            server._process = Process.Start(new ProcessStartInfo("qemu-nbd", ["--format=qcow2", $"--socket={server.Socket}", "--export-name=disk", "--persistent", "--shared=4", "--discard=unmap", .. more, image]))!;
            for (var i = 0; i < 600 && !File.Exists(server.Socket); i++) await Task.Delay(50);
            return server;
        }

        public void Kill() => _process!.Kill();

        public async ValueTask DisposeAsync()
        {
            if (!_process!.HasExited) _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
            _folder.Delete(recursive: true);
        }
    }
}
