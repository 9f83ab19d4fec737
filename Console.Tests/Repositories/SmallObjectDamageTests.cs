using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Upkeep;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Repositories;

/// <summary>Flipped bits in the small objects beside packs and indexes: none of them stops restores, and none lets go of what somebody relies on.</summary>
public sealed class SmallObjectDamageTests : IDisposable
{
    private readonly TestRepository _home = new() { Options = new NewRepository(PackBytes: 1 << 20) };
    private static readonly int[] One = [.. Enumerable.Range(1, 30)], Two = [.. Enumerable.Range(100, 30)];

    public void Dispose() => _home.Dispose();

    private void Flip(string folder)
    {
        var file = Directory.GetFiles(Path.Combine(_home.Folder, folder)).ShouldHaveSingleItem();
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 4;
        File.WriteAllBytes(file, bytes);
    }

    private async Task<Collected> CollectAsync()
    {
        await using var session = await _home.OpenAsync();
        return await new Collector(session, TimeProvider.System, _ => { }).RunAsync(default);
    }

    [Fact]
    public async Task A_pin_that_cannot_be_read_still_holds()
    {
        PointManifest point;
        await using (var session = await _home.OpenAsync())
        {
            point = await Disk.BackUpAsync(session, One);
            await session.LabelPointAsync(point.Id, l => l with { Pinned = true }, default);
        }
        Flip("labels");
        await using var later = await _home.OpenAsync();
        (await later.PointsAsync(default)).ShouldHaveSingleItem().Labels.Pinned.ShouldBeTrue();
        await later.LabelPointAsync(point.Id, l => l with { Pinned = false }, default);
        (await later.PointAsync(point.Id, default))!.Labels.Pinned.ShouldBeFalse("a person may let it go all the same");
    }

    [Fact]
    public async Task A_condemnation_that_cannot_be_read_is_withdrawn_and_its_packs_go_with_another()
    {
        PointManifest one, two;
        await using (var session = await _home.OpenAsync()) (one, two) = (await Disk.BackUpAsync(session, One), await Disk.BackUpAsync(session, Two));
        await using (var witness = await _home.OpenAsync())
        {
            await witness.RemovePointAsync(one.Id, default);
            (await CollectAsync()).WaitsFor.ShouldBe(1);
            Flip("condemned");
            // A session that begins now relies on what the lost condemnation named, and must not lose it.
            await using var late = await _home.OpenAsync();
            Directory.GetFiles(Path.Combine(_home.Folder, "condemned")).ShouldBeEmpty();
            (await CollectAsync()).WaitsFor.ShouldBe(2);
            one = await Disk.BackUpAsync(late, One);
        }
        await CollectAsync();
        await using var later = await _home.OpenAsync();
        await Disk.ShouldBeAsync(later, one, One);
        await Disk.ShouldBeAsync(later, two, Two);
        (await new Verifier(later, TimeProvider.System, _ => { }).RunAsync(default)).Damage.ShouldBeNull();
    }

    [Fact]
    public async Task A_lock_that_cannot_be_read_holds_while_anybody_works_and_is_taken_over_then()
    {
        await (await _home.FilesAsync()).DisposeAsync();
        var dead = await _home.OpenAsync();
        await CollectLock.TakeAsync(dead.Files, dead.SessionId, new SessionWatch(dead.Files, dead.SessionId, TimeProvider.System), default);
        Flip("locks");
        (await Should.ThrowAsync<RepositoryException>(CollectAsync)).Fault.ShouldBe(RepositoryFault.Locked);
        await dead.DisposeAsync();
        await CollectAsync();
        Directory.GetFiles(Path.Combine(_home.Folder, "locks")).ShouldBeEmpty();
    }
}
