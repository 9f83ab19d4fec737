using System.Diagnostics;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Disks;
using Quarterdeck.Restores.Journal;
using Quarterdeck.Restores.Run;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Restores;

/// <summary>Differences written into closed images through real disk servers, which are killed on the way.</summary>
public sealed class InPlaceWritingTests
{
    [Theory]
    [InlineData("raw", 1), InlineData("qcow2", 2)]
    public async Task The_disk_becomes_the_point_bit_by_bit_and_only_differences_move(string format, int seed)
    {
        await using var ground = await RestoreGround.MakeAsync(format, seed);
        using var spool = ground.Spool();
        var disk = ground.Journal.Disks[0];
        var (chunks, bytes) = await new NeededChunks().FetchAsync(ground.Repository, spool, ground.Journal.Disks, default);
        var expected = Differing(ground);
        chunks.ShouldBe(expected);
        DiskHold.Take(ground.Journal, [DiskStamp.Of(disk.Path)]);
        File.Exists(disk.Path).ShouldBeFalse("a VM could start with it");
        var journal = await ground.Writing.ApplyAsync(ground.Journal, ground.Repository, spool, ground.Transfer, resumed: false, () => { }, default);
        DiskHold.Release(journal);
        (await ground.ContentAsync(disk.Path, format)).AsSpan().SequenceEqual(ground.Point).ShouldBeTrue();
        ground.Transfer.Chunks.ShouldBe(expected);
        ground.Transfer.Written.ShouldBe(bytes);
        ground.Transfer.Sent.ShouldBeLessThanOrEqualTo(expected * Repository.ChunkSize * 105 / 100);
    }

    [Theory]
    [InlineData("raw", 11, false), InlineData("qcow2", 12, false), InlineData("qcow2", 13, true)]
    public async Task A_killed_disk_server_leaves_nothing_that_cannot_be_finished_or_taken_back(string format, int seed, bool back)
    {
        await using var ground = await RestoreGround.MakeAsync(format, seed);
        var disk = ground.Journal.Disks[0];
        DiskHold.Take(ground.Journal, [DiskStamp.Of(disk.Path)]);
        var random = new Random(seed);
        var killed = 0;
        for (var kill = 0; kill < 4; kill++)
            if (await KilledAsync(ground, Read(ground), random.Next(2 << 20))) killed++;
            else JournalFile.Save(ground.Journal); // it was quicker: once more from the beginning
        killed.ShouldBeGreaterThan(0, "the test would prove nothing");
        var journal = Read(ground);
        if (back) journal = journal with { Phase = JournalPhase.RollingBack, Disks = [.. journal.Disks.Select(d => d with { Written = 0 })] };
        JournalFile.Save(journal);
        using var spool = ground.Spool();
        journal = await ground.Writing.ApplyAsync(journal, ground.Repository, spool, ground.Transfer, resumed: true, () => { }, default);
        DiskHold.Release(journal);
        (await ground.ContentAsync(disk.Path, format)).AsSpan().SequenceEqual(back ? ground.Common : ground.Point).ShouldBeTrue();
        if (format == "qcow2") await SystemLibvirt.RunAsync("qemu-img", "check", "-f", "qcow2", disk.Path);
        JournalFile.Remove(journal);
        Directory.EnumerateFiles(ground.Folder).ShouldBe([disk.Path], "nothing is left behind");
    }

    [Fact]
    public async Task A_disk_that_was_written_after_the_common_snapshot_is_not_touched()
    {
        await using var ground = await RestoreGround.MakeAsync("raw", 21);
        var disk = ground.Journal.Disks[0];
        var stamp = DiskStamp.Of(disk.Path);
        File.SetLastWriteTimeUtc(disk.Path, DateTime.UtcNow.AddSeconds(2));
        Should.Throw<ProblemException>(() => DiskHold.Take(ground.Journal, [stamp])).Message.ShouldContain("started by someone else");
        File.Exists(disk.Path).ShouldBeTrue();
        JournalFile.Find([disk.Path]).ShouldBeNull("nothing was begun");
    }

    [Fact]
    public async Task A_disk_that_a_program_has_open_is_refused_in_words()
    {
        await using var ground = await RestoreGround.MakeAsync("qcow2", 22);
        var disk = ground.Journal.Disks[0];
        DiskHold.Take(ground.Journal, [DiskStamp.Of(disk.Path)]);
        await using var other = await DiskServer.OpenAsync(new Quarterdeck.Platform.Processes.ProcessRunner(), disk.Held, "qcow2", flushes: true, default);
        using var spool = ground.Spool();
        var refused = await Should.ThrowAsync<ProblemException>(() => ground.Writing.ApplyAsync(ground.Journal, ground.Repository, spool, ground.Transfer, false, () => { }, default));
        refused.Problem.Title.ShouldBe("The disk is in use");
    }

    [Fact]
    public async Task A_damaged_chunk_is_found_before_the_first_write_and_its_points_are_named()
    {
        await using var ground = await RestoreGround.MakeAsync("raw", 31);
        var point = Manifest(ground);
        await ground.Repository.CommitPointAsync(point, default);
        foreach (var pack in Directory.EnumerateFiles(ground.Home.Folder, "*", SearchOption.AllDirectories).Where(f => new FileInfo(f).Length > 1 << 20)) Flip(pack);
        await using var fresh = await ground.Home.OpenAsync();
        using var spool = new ChunkSpool(fresh, 1 << 20, ground.Folder, ground.Transfer);
        var refused = await Should.ThrowAsync<ProblemException>(() => new NeededChunks().FetchAsync(fresh, spool, ground.Journal.Disks, default));
        refused.Problem.Detail.ShouldContain("Nothing was restored");
        refused.Problem.Detail.ShouldContain(point.Id.ToString());
        (await File.ReadAllBytesAsync(ground.Journal.Disks[0].Path)).AsSpan().SequenceEqual(ground.Common).ShouldBeTrue();
    }

    // Lets it write until so many bytes are out, then kills the disk server as an out-of-memory killer would.
    private static async Task<bool> KilledAsync(RestoreGround ground, RestoreJournal journal, int after)
    {
        using var spool = ground.Spool();
        var begun = ground.Transfer.Written;
        var apply = ground.Writing.ApplyAsync(journal, ground.Repository, spool, ground.Transfer, resumed: true, () => { }, default);
        while (!apply.IsCompleted && ground.Transfer.Written - begun < after) await Task.Yield();
        foreach (var server in ground.Servers())
        {
            try { Process.GetProcessById(server).Kill(); }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException) { /* it had ended */ }
        }
        try
        {
            await apply;
            return false;
        }
        catch (TransientException) { return true; } // as the operation sees it: it tries again
    }

    private static RestoreJournal Read(RestoreGround ground) => JournalFile.Read(JournalFile.PathOf(ground.Journal))!;

    private static long Differing(RestoreGround ground) => Enumerable.Range(0, (ground.Point.Length + Repository.ChunkSize - 1) / Repository.ChunkSize).Count(c =>
    {
        var at = c * Repository.ChunkSize;
        var length = Math.Min(Repository.ChunkSize, ground.Point.Length - at);
        return !ground.Point.AsSpan(at, length).SequenceEqual(ground.Common.AsSpan(at, length));
    });

    private static PointManifest Manifest(RestoreGround ground) => new()
    {
        Id = ground.Journal.PointId, VmId = ground.Journal.VmId, VmName = "vm", HostName = "host", CreatedAt = DateTimeOffset.UtcNow, Kind = PointKind.Full, Consistency = PointConsistency.Filesystem, DomainXml = "<domain/>",
        Disks = [.. ground.Journal.Disks.Select(d => new PointDisk(d.Target, d.Path, d.Format, d.SizeBytes, new RootHash(ChunkId.Parse(d.Point))))], Counters = new PointCounters(0, 0, 0, 0, 0, 0),
    };

    private static void Flip(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        for (var at = 5000L; at < stream.Length - 100_000; at += 50_000)
        {
            stream.Position = at;
            var old = stream.ReadByte();
            stream.Position = at;
            stream.WriteByte((byte)(old ^ 0x40));
        }
    }
}
