using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Backups;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores;
using Quarterdeck.Restores.Exports;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Restores;

/// <summary>A recovery point's disk read through the NBD server: by the console's own client, by QEMU's tools, by clients that behave badly, and while the repository suffers.</summary>
public sealed class PointExportTests : IDisposable
{
    private const int Size = (9 << 20) + 1536;
    private readonly TestRepository _home = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("qd-export-").FullName;
    private readonly byte[] _disk = new byte[Size];

    [Fact]
    public async Task QEMU_reads_the_disk_bit_by_bit_and_knows_its_holes()
    {
        await using var export = await ExportAsync();
        var raw = Path.Combine(_folder, "raw");
        await SystemLibvirt.RunAsync("qemu-img", "convert", "-f", "raw", "-O", "raw", Uri(export), raw);
        (await File.ReadAllBytesAsync(raw)).AsSpan().SequenceEqual(_disk).ShouldBeTrue();
        export.SentBytes.ShouldBeLessThan(6 << 20, "holes are not read");
        var map = await SystemLibvirt.RunAsync("qemu-img", "map", "--output=json", "-f", "raw", Uri(export));
        var extents = System.Text.Json.JsonDocument.Parse(map).RootElement.EnumerateArray().Select(e => (Start: e.GetProperty("start").GetInt64(), Zero: e.GetProperty("zero").GetBoolean(), Length: e.GetProperty("length").GetInt64())).ToList();
        extents.Sum(e => e.Length).ShouldBe(Size);
        extents.First().ShouldBe((0, false, 3 << 20));
        extents[1].ShouldBe((3 << 20, true, 3 << 20));
    }

    [Theory]
    [InlineData(""), InlineData("vda")]
    public async Task Reads_of_any_place_and_length_by_many_connections_are_right(string name)
    {
        await using var export = await ExportAsync(cacheMiB: 1);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async seed =>
        {
            var random = new Random(seed);
            await using var client = await NbdClient.ConnectAsync(export.SocketPath, name, ["base:allocation"], default);
            (client.Size, client.ReadOnly).ShouldBe((Size, true));
            await Task.WhenAll(Enumerable.Range(0, 60).Select(async i =>
            {
                int at, length;
                lock (random) (at, length) = (random.Next(Size), random.Next(1, 300_000));
                length = Math.Min(length, Size - at);
                var read = new byte[length];
                await client.ReadAsync(at, read, default);
                read.AsSpan().SequenceEqual(_disk.AsSpan(at, length)).ShouldBeTrue($"{length} bytes at {at}");
            }));
        }));
    }

    [Fact]
    public async Task Writing_and_reading_beyond_the_end_are_refused_and_the_connection_goes_on()
    {
        await using var export = await ExportAsync();
        await using var client = await NbdClient.ConnectAsync(export.SocketPath, "", [], default);
        (await Should.ThrowAsync<NbdException>(() => client.WriteAsync(0, new byte[70_000], default))).Message.ShouldContain("read-only");
        await Should.ThrowAsync<NbdException>(() => SystemLibvirt.RunAsync("qemu-io", "-f", "raw", "-c", "write 0 512", Uri(export)).ContinueWith(t => throw new NbdException(t.Exception?.Message ?? t.Result)));
        await Should.ThrowAsync<NbdException>(() => NbdClient.ConnectAsync(export.SocketPath, "other", [], default));
        var read = new byte[512];
        await client.ReadAsync(Size - 512, read, default);
        read.AsSpan().SequenceEqual(_disk.AsSpan(Size - 512)).ShouldBeTrue();
    }

    [Fact]
    public async Task Clients_that_talk_nonsense_are_hung_up_on_and_disturb_nobody()
    {
        await using var export = await ExportAsync();
        var random = new Random(5);
        for (var i = 0; i < 20; i++)
        {
            using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
            await socket.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(export.SocketPath));
            var junk = new byte[random.Next(1, 4000)];
            random.NextBytes(junk);
            if (i % 2 == 0) "\0\0\0\u0003IHAVEOPT"u8.CopyTo(junk.AsSpan(0, Math.Min(12, junk.Length)));
            try { await socket.SendAsync(junk); }
            catch (System.Net.Sockets.SocketException) { /* it had hung up already */ }
        }
        await ShouldReadAsync(export);
    }

    [Fact]
    public async Task While_the_repository_is_away_reads_wait_and_then_go_on()
    {
        await using var export = await ExportAsync();
        Directory.Move(_home.Folder, _home.Folder + ".away");
        var reading = ShouldReadAsync(export, at: 7 << 20);
        try
        {
            await UntilAsync(() => export.Fault is not null);
            reading.IsCompleted.ShouldBeFalse();
        }
        finally { Directory.Move(_home.Folder + ".away", _home.Folder); }
        await reading.WaitAsync(TimeSpan.FromSeconds(60));
        export.Fault.ShouldBeNull();
    }

    [Fact]
    public async Task A_repository_that_stays_away_is_an_error_in_words_and_not_for_ever()
    {
        await using var export = await ExportAsync(patience: 0);
        Directory.Move(_home.Folder, _home.Folder + ".away");
        try
        {
            await Should.ThrowAsync<NbdException>(() => ShouldReadAsync(export));
            export.Fault.ShouldNotBeNullOrEmpty();
        }
        finally { Directory.Move(_home.Folder + ".away", _home.Folder); }
        await UntilAsync(() => ShouldReadAsync(export).ContinueWith(t => t.IsCompletedSuccessfully).Result);
    }

    [Fact]
    public async Task Only_what_needs_a_damaged_chunk_fails_and_says_so()
    {
        await using var export = await ExportAsync(patience: 30, damage: true);
        await using var client = await NbdClient.ConnectAsync(export.SocketPath, "", [], default);
        var failed = 0;
        for (var at = 0; at < 3 << 20; at += 65536)
        {
            var read = new byte[65536];
            try
            {
                await client.ReadAsync(at, read, default);
                read.AsSpan().SequenceEqual(_disk.AsSpan(at, 65536)).ShouldBeTrue();
            }
            catch (NbdException e)
            {
                failed++;
                e.Message.ShouldContain("damaged");
            }
        }
        failed.ShouldBeInRange(1, 8);
    }

    [Fact]
    public async Task Other_users_of_the_machine_are_hung_up_on()
    {
        await using var export = await ExportAsync();
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);
        await Should.ThrowAsync<InvalidOperationException>(() => SystemLibvirt.RunAsync("setpriv", "--reuid", "65534", "--clear-groups", "qemu-img", "info", "--output=json", Uri(export)));
        await SystemLibvirt.RunAsync("qemu-img", "info", "--output=json", Uri(export));
    }

    public void Dispose()
    {
        _home.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Uri(PointExport export) => $"nbd+unix:///?socket={export.SocketPath}";

    private async Task ShouldReadAsync(PointExport export, int at = 6 << 20)
    {
        await using var client = await NbdClient.ConnectAsync(export.SocketPath, "", [], default);
        var read = new byte[200_000];
        await client.ReadAsync(at, read, default);
        read.AsSpan().SequenceEqual(_disk.AsSpan(at, read.Length)).ShouldBeTrue();
    }

    private static async Task UntilAsync(Func<bool> wanted)
    {
        for (var until = DateTime.UtcNow.AddSeconds(60); !wanted(); await Task.Delay(30))
            if (DateTime.UtcNow > until) throw new TimeoutException();
    }

    /// <summary>A disk of 3 MiB data, 3 MiB nothing, data, and an end that is no whole chunk.</summary>
    private async Task<PointExport> ExportAsync(int cacheMiB = 4, int patience = 60, bool damage = false)
    {
        new Random(17).NextBytes(_disk.AsSpan(0, 3 << 20));
        new Random(18).NextBytes(_disk.AsSpan(6 << 20, 2 << 20));
        new Random(19).NextBytes(_disk.AsSpan(Size - 1000));
        Guid point;
        await using (var repository = await _home.OpenAsync())
        {
            var index = repository.NewIndex(Size, null);
            for (var at = 0; at < Size; at += Repository.ChunkSize)
            {
                var chunk = new byte[Repository.ChunkSize];
                _disk.AsSpan(at, Math.Min(chunk.Length, Size - at)).CopyTo(chunk);
                var (id, _) = await repository.StoreAsync(chunk, default);
                index.Set(at / chunk.Length, id);
            }
            var manifest = TestRepository.Point(await index.CompleteAsync(default), Size);
            await repository.CommitPointAsync(manifest, default);
            point = manifest.Id;
        }
        if (damage)
        {
            var pack = Directory.EnumerateFiles(_home.Folder, "*", SearchOption.AllDirectories).MaxBy(f => new FileInfo(f).Length)!;
            await using var file = File.OpenWrite(pack);
            file.Position = 700_000;
            file.Write([1, 2, 3, 4, 5, 6, 7, 8]);
        }
        var content = (await PointContent.OpenAsync(async _ =>
        {
            try { return Result<Repository>.From(await _home.OpenAsync()); }
            catch (RepositoryException e) { return e.Problem; }
        }, point, "vda", TimeSpan.FromSeconds(patience), TimeProvider.System, default)).Value;
        return new PointExport(Path.Combine(_folder, "nbd"), "vda", content, new ChunkCache(content, cacheMiB), NullLogger.Instance);
    }
}
