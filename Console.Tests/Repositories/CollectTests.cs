using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Upkeep;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Repositories;

public sealed class CollectTests
{
    private static TestRepository New(bool encrypted = false) => new() { Key = encrypted ? RepositoryKey.New() : null, Options = new NewRepository(PackBytes: 1 << 20) };

    private static int[] Seeds(int from, int count) => [.. Enumerable.Range(from, count)];

    private static async Task<Collected> CollectAsync(TestRepository home)
    {
        await using var session = await home.OpenAsync();
        return await new Collector(session, TimeProvider.System, _ => { }).RunAsync(default);
    }

    private static long PackBytes(TestRepository home) => Directory.EnumerateFiles(Path.Combine(home.Folder, "packs"), "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);

    [Theory, InlineData(false), InlineData(true)]
    public async Task What_no_point_needs_is_freed_and_the_rest_stays(bool encrypted)
    {
        using var home = New(encrypted);
        PointManifest one, two;
        await using (var session = await home.OpenAsync())
        {
            one = await Disk.BackUpAsync(session, Seeds(1, 100));
            two = await Disk.BackUpAsync(session, [.. Seeds(1, 10), .. Seeds(1000, 30)]);
        }
        (await CollectAsync(home)).RemovedPacks.ShouldBe(0);
        await using (var session = await home.OpenAsync()) await session.RemovePointAsync(one.Id, default);
        var before = PackBytes(home);
        var result = await CollectAsync(home);
        result.RemovedPacks.ShouldBeGreaterThan(0);
        (before - PackBytes(home)).ShouldBe(result.FreedBytes);
        PackBytes(home).ShouldBeLessThan(45 * 65536 * 2);
        await using (var session = await home.OpenAsync())
        {
            await Disk.ShouldBeAsync(session, two, [.. Seeds(1, 10), .. Seeds(1000, 30)]);
            session.IsKnown(session.IdOf(TestRepository.Chunk(50))).ShouldBeFalse("it was freed");
            await session.RemovePointAsync(two.Id, default);
        }
        await CollectAsync(home);
        PackBytes(home).ShouldBe(0);
        Directory.EnumerateFiles(Path.Combine(home.Folder, "condemned")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Many_small_packs_become_few()
    {
        using var home = New();
        PointManifest? point = null;
        var seeds = Seeds(1, 20);
        for (var i = 0; i < 10; i++)
        {
            await using var session = await home.OpenAsync();
            var before = (int[])seeds.Clone();
            seeds[i] = 500 + i;
            point = await Disk.BackUpAsync(session, seeds, point, point is null ? null : before);
        }
        (await CollectAsync(home)).RewrittenPacks.ShouldBeGreaterThan(10);
        Directory.EnumerateFiles(Path.Combine(home.Folder, "packs"), "*", SearchOption.AllDirectories).Count().ShouldBeLessThan(10);
        Directory.EnumerateFiles(Path.Combine(home.Folder, "index")).Count().ShouldBeLessThan(6);
        await using var later = await home.OpenAsync();
        await Disk.ShouldBeAsync(later, point!, seeds);
        (await later.PointsAsync(default)).Count.ShouldBe(10);
    }

    [Fact]
    public async Task A_session_that_was_open_keeps_what_it_relies_on_and_later_ones_do_not_rely_on_it()
    {
        using var home = New();
        PointManifest one;
        await using (var session = await home.OpenAsync()) one = await Disk.BackUpAsync(session, Seeds(1, 50));
        var open = await home.OpenAsync();
        open.IsKnown(open.IdOf(TestRepository.Chunk(7))).ShouldBeTrue();
        await open.RemovePointAsync(one.Id, default);
        var first = await CollectAsync(home);
        (first.RemovedPacks, first.WaitsFor).ShouldBe((0, 1));
        await using (var late = await home.OpenAsync()) late.IsKnown(late.IdOf(TestRepository.Chunk(7))).ShouldBeFalse("its pack is condemned");
        // Nothing is sent: the session has seen that all of it is there.
        var point = await Disk.BackUpAsync(open, Seeds(1, 50));
        open.StoredBytes.ShouldBe(0);
        await open.DisposeAsync();
        var second = await CollectAsync(home);
        second.WaitingPacks.ShouldBe(0);
        await using var later = await home.OpenAsync();
        await Disk.ShouldBeAsync(later, point, Seeds(1, 50));
        later.IsKnown(later.IdOf(TestRepository.Chunk(7))).ShouldBeTrue("it was moved before its pack went");
    }

    [Fact]
    public async Task A_point_on_a_parent_that_is_about_to_go_takes_along_what_it_inherits()
    {
        using var home = New();
        PointManifest one, two;
        await using (var session = await home.OpenAsync()) one = await Disk.BackUpAsync(session, Seeds(1, 50));
        var witness = await home.OpenAsync();
        await witness.RemovePointAsync(one.Id, default);
        await CollectAsync(home);                                          // condemned; waits for the witness
        two = await Disk.BackUpAsync(witness, Seeds(1, 50));               // relies on what is condemned
        await using var heir = await home.OpenAsync();                     // begins after the condemnation
        await witness.DisposeAsync();
        var seeds = Seeds(1, 50);
        var before = (int[])seeds.Clone();
        seeds[3] = 900;
        var three = await Disk.BackUpAsync(heir, seeds, two, before);
        await heir.RemovePointAsync(two.Id, default);
        await CollectAsync(home);
        await heir.DisposeAsync();
        await CollectAsync(home);
        await using var later = await home.OpenAsync();
        await Disk.ShouldBeAsync(later, three, seeds);
    }

    [Fact]
    public async Task A_point_whose_parent_went_meanwhile_is_refused_rather_than_made_with_holes()
    {
        using var home = New();
        PointManifest one;
        await using (var session = await home.OpenAsync()) one = await Disk.BackUpAsync(session, Seeds(1, 50));
        var witness = await home.OpenAsync();
        await witness.RemovePointAsync(one.Id, default);
        await CollectAsync(home);
        var two = await Disk.BackUpAsync(witness, Seeds(1, 50));
        await using var heir = await home.OpenAsync();
        var parent = heir.OpenIndex(two.Disks[0].Root, two.Disks[0].SizeBytes);
        var index = heir.NewIndex(parent.SizeBytes, parent);
        index.Set(0, ChunkId.Zero);
        var root = await index.CompleteAsync(default);
        await witness.DisposeAsync();
        await heir.RemovePointAsync(two.Id, default);
        await CollectAsync(home);
        (await Should.ThrowAsync<RepositoryException>(() => heir.CommitPointAsync(TestRepository.Point(root, parent.SizeBytes), default))).Fault.ShouldBe(RepositoryFault.Damaged);
        (await heir.PointsAsync(default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Two_collects_exclude_each_other()
    {
        using var home = New();
        await using var one = await home.OpenAsync();
        await using var other = await home.OpenAsync();
        await using (await CollectLock.TakeAsync(one.Files, one.SessionId, new SessionWatch(one.Files, one.SessionId, TimeProvider.System), default))
            (await Should.ThrowAsync<RepositoryException>(() => new Collector(other, TimeProvider.System, _ => { }).RunAsync(default))).Fault.ShouldBe(RepositoryFault.Locked);
        await new Collector(other, TimeProvider.System, _ => { }).RunAsync(default);
    }

    [Fact]
    public async Task Nothing_is_freed_while_a_point_cannot_be_read()
    {
        using var home = New();
        PointManifest one;
        await using (var session = await home.OpenAsync()) one = await Disk.BackUpAsync(session, Seeds(1, 50));
        var file = Path.Combine(home.Folder, "points", one.Id.ToString("D"));
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[40] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        var before = PackBytes(home);
        var refused = await Should.ThrowAsync<RepositoryException>(() => CollectAsync(home));
        refused.Problem.Detail.ShouldContain(one.Id.ToString());
        PackBytes(home).ShouldBe(before);
    }

    [Fact]
    public async Task An_append_only_repository_gives_nothing_away()
    {
        using var home = new TestRepository { Options = new NewRepository(AppendOnly: true, PackBytes: 1 << 20) };
        await using var session = await home.OpenAsync();
        var point = await Disk.BackUpAsync(session, Seeds(1, 5));
        (await Should.ThrowAsync<RepositoryException>(() => session.RemovePointAsync(point.Id, default))).Fault.ShouldBe(RepositoryFault.AppendOnly);
        (await Should.ThrowAsync<RepositoryException>(() => new Collector(session, TimeProvider.System, _ => { }).RunAsync(default))).Fault.ShouldBe(RepositoryFault.AppendOnly);
    }
}
