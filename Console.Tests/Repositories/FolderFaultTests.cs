using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Upkeep;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Repositories;

/// <summary>A folder on a disk that fills up, turns read-only or goes away while it is worked on: no point is lost, and what happened is told for what it is.</summary>
public sealed class FolderFaultTests
{
    private static int[] Seeds(int from, int count) => [.. Enumerable.Range(from, count)];

    private static async Task<Repository> OpenAsync(SmallDisk disk, string purpose = "test")
    {
        var store = new LocalStore(Path.Combine(disk.Folder, "repository"));
        Directory.CreateDirectory(store.Location);
        var files = await RepositoryFiles.FindAsync(store, default) is null
            ? await RepositoryFiles.CreateAsync(store, new NewRepository(PackBytes: 1 << 20), null, TimeProvider.System, default)
            : await RepositoryFiles.OpenAsync(store, null, default);
        return await Repository.OpenAsync(files, purpose, null, TimeProvider.System, default);
    }

    private static async Task<PointManifest> FirstAsync(SmallDisk disk)
    {
        await using var session = await OpenAsync(disk);
        return await Disk.BackUpAsync(session, Seeds(1, 40));
    }

    [Fact]
    public async Task A_full_disk_fails_the_backup_costs_no_point_and_points_can_be_removed_to_make_room()
    {
        await using var disk = await SmallDisk.MountAsync(12);
        var one = await FirstAsync(disk);
        await using (var session = await OpenAsync(disk))
        {
            var refused = await Should.ThrowAsync<RepositoryException>(() => Disk.BackUpAsync(session, Seeds(1000, 400)));
            refused.Fault.ShouldBe(RepositoryFault.Full);
            refused.Problem.Detail.ShouldContain("collect");
        }
        await using (var session = await OpenAsync(disk))
        {
            (await session.PointsAsync(default)).ShouldHaveSingleItem().Id.ShouldBe(one.Id);
            await Disk.ShouldBeAsync(session, one, Seeds(1, 40));
        }
        disk.Fill();
        // What the failed backup had stored is freed, and the next one fits.
        await using (var session = await OpenAsync(disk, Repository.Collecting)) (await new Collector(session, TimeProvider.System, _ => { }).RunAsync(default)).FreedBytes.ShouldBeGreaterThan(4 << 20);
        disk.MakeRoom();
        await using (var session = await OpenAsync(disk)) await Disk.BackUpAsync(session, Seeds(1000, 60));
    }

    [Fact]
    public async Task Without_one_free_byte_it_is_restored_from_and_collecting_still_makes_room()
    {
        await using var disk = await SmallDisk.MountAsync(12);
        var one = await FirstAsync(disk);
        PointManifest two;
        await using (var session = await OpenAsync(disk)) two = await Disk.BackUpAsync(session, Seeds(500, 40));
        disk.Fill();
        await using (var session = await OpenAsync(disk))
        {
            await Disk.ShouldBeAsync(session, one, Seeds(1, 40));
            (await Should.ThrowAsync<RepositoryException>(() => session.StoreAsync(TestRepository.Chunk(900), default))).Fault.ShouldBe(RepositoryFault.Full);
            await session.RemovePointAsync(two.Id, default);
        }
        await using (var session = await OpenAsync(disk, Repository.Collecting)) (await new Collector(session, TimeProvider.System, _ => { }).RunAsync(default)).FreedBytes.ShouldBeGreaterThan(2 << 20);
        await using var later = await OpenAsync(disk);
        await Disk.ShouldBeAsync(later, one, Seeds(1, 40));
        await Disk.ShouldBeAsync(later, await Disk.BackUpAsync(later, Seeds(2000, 10)), Seeds(2000, 10));
    }

    [Fact]
    public async Task A_disk_that_turns_read_only_fails_the_backup_and_is_restored_from()
    {
        await using var disk = await SmallDisk.MountAsync(24);
        var one = await FirstAsync(disk);
        await using (var session = await OpenAsync(disk))
        {
            await session.StoreAsync(TestRepository.Chunk(900), default);
            await disk.RemountAsync("ro");
            (await Should.ThrowAsync<RepositoryException>(() => Disk.BackUpAsync(session, Seeds(1000, 60)))).Fault.ShouldBe(RepositoryFault.ReadOnly);
        }
        await using (var session = await OpenAsync(disk))
        {
            (await session.PointsAsync(default)).ShouldHaveSingleItem();
            await Disk.ShouldBeAsync(session, one, Seeds(1, 40));
            (await Should.ThrowAsync<RepositoryException>(() => session.RemovePointAsync(one.Id, default))).Fault.ShouldBe(RepositoryFault.ReadOnly);
        }
        await disk.RemountAsync("rw");
        await using var later = await OpenAsync(disk);
        await Disk.BackUpAsync(later, Seeds(1000, 60), one, Seeds(1, 40));
    }

    [Fact]
    public async Task A_disk_that_goes_away_is_unreachable_and_nothing_is_made_in_its_place()
    {
        await using var disk = await SmallDisk.MountAsync(24);
        await FirstAsync(disk);
        await using var session = await OpenAsync(disk);
        await session.StoreAsync(TestRepository.Chunk(900), default);
        await disk.TakeAwayAsync();
        var away = await Should.ThrowAsync<RepositoryException>(() => Disk.BackUpAsync(session, Seeds(1000, 60)));
        away.Fault.ShouldBe(RepositoryFault.Unreachable);
        away.Transient.ShouldBeTrue("it is tried again");
        Directory.EnumerateFileSystemEntries(disk.Folder).ShouldBeEmpty("the folder beneath is another disk");
    }

    [Fact]
    public async Task What_killed_writers_left_aside_goes_with_a_collect_once_it_is_old()
    {
        using var home = new TestRepository();
        await (await home.FilesAsync()).DisposeAsync();
        var aside = Directory.CreateDirectory(Path.Combine(home.Folder, "tmp")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(aside, "old"), new byte[1 << 20]);
        await File.WriteAllBytesAsync(Path.Combine(aside, "young"), new byte[1 << 20]);
        File.SetLastWriteTimeUtc(Path.Combine(aside, "old"), DateTime.UtcNow.AddDays(-2));
        await using (var session = await home.OpenAsync()) await new Collector(session, TimeProvider.System, _ => { }).RunAsync(default);
        Directory.GetFiles(aside).Select(Path.GetFileName).ShouldBe(["young", "reserve"], ignoreOrder: true, "somebody may be writing the young one");
    }
}
