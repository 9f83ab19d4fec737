using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Upkeep;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Repositories;

public sealed class DamageTests
{
    private readonly List<string> _log = [];

    private static TestRepository New(bool encrypted) => new() { Key = encrypted ? RepositoryKey.New() : null, Options = new NewRepository(PackBytes: 1 << 20) };

    private static int[] Seeds(int from, int count) => [.. Enumerable.Range(from, count)];

    private async Task<Verified> VerifyAsync(TestRepository home)
    {
        await using var session = await home.OpenAsync();
        return await new Verifier(session, TimeProvider.System, _log.Add).RunAsync(default);
    }

    private static void Flip(string file, long at)
    {
        using var stream = File.Open(file, FileMode.Open);
        stream.Position = at;
        var old = stream.ReadByte();
        stream.Position = at;
        stream.WriteByte((byte)(old ^ 0x10));
    }

    // By the packs' own tables: a node of an index holds the ids of chunks, too.
    private static async Task<(string File, long At)> PlaceAsync(TestRepository home, string hex)
    {
        await using var session = await home.OpenAsync();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(home.Folder, "packs"), "*", SearchOption.AllDirectories))
            foreach (var entry in session.Reader.Table(Guid.Parse(Path.GetFileName(file)), await File.ReadAllBytesAsync(file), out _) ?? [])
                if (entry.Id.ToString() == hex) return (file, entry.Place.Offset);
        throw new InvalidOperationException("The chunk is in no pack.");
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_flipped_bit_in_a_chunk_is_found_names_its_points_spares_others_and_heals(bool encrypted)
    {
        using var home = New(encrypted);
        PointManifest hit, spared;
        ChunkId id;
        await using (var session = await home.OpenAsync())
        {
            hit = await Disk.BackUpAsync(session, Seeds(1, 30));
            spared = await Disk.BackUpAsync(session, Seeds(10, 30));
            id = session.IdOf(TestRepository.Chunk(5));
        }
        (await VerifyAsync(home)).Damage.ShouldBeNull();
        var (pack, at) = await PlaceAsync(home, id.ToString());
        Flip(pack, at + 5000);

        var found = await VerifyAsync(home);
        found.DamagedChunks.ShouldBe(1);
        found.Affected.ShouldHaveSingleItem().Id.ShouldBe(hit.Id);
        found.Damage!.ShouldContain("1 of 2");
        await using (var session = await home.OpenAsync())
        {
            (await session.PointAsync(hit.Id, default))!.Labels.Damage!.ShouldContain("1 chunk");
            (await session.PointAsync(spared.Id, default))!.Labels.ShouldSatisfyAllConditions(l => l.Damage.ShouldBeNull(), l => l.VerifiedAt.ShouldNotBeNull());
            (await Should.ThrowAsync<RepositoryException>(() => session.ReadAsync(id, new byte[Repository.ChunkSize], default))).Fault.ShouldBe(RepositoryFault.Damaged);
            await Disk.ShouldBeAsync(session, spared, Seeds(10, 30));
            session.IsKnown(id).ShouldBeFalse("a damaged chunk is stored again");
            await Disk.BackUpAsync(session, Seeds(1, 30));
        }
        (await VerifyAsync(home)).Affected.ShouldBeEmpty("the next backup of the same data healed it");
        await using var later = await home.OpenAsync();
        await Disk.ShouldBeAsync(later, hit, Seeds(1, 30));
    }

    [Fact]
    public async Task A_flip_anywhere_in_a_pack_is_found_or_harmless()
    {
        using var home = New(encrypted: false);
        await using (var session = await home.OpenAsync()) await Disk.BackUpAsync(session, Seeds(1, 3));
        foreach (var file in Directory.EnumerateFiles(Path.Combine(home.Folder, "packs"), "*", SearchOption.AllDirectories))
        {
            var length = new FileInfo(file).Length;
            // Every place of the headers and tables, some of the content.
            foreach (var at in Enumerable.Range(0, 90).Select(i => (long)i).Concat([1000, 50_000]).Concat(Enumerable.Range(1, 60).Select(i => length - 3 * i)).Where(a => a < length && a >= 0))
            {
                Flip(file, at);
                await using (var session = await home.OpenAsync())
                {
                    var table = session.Reader.Table(Guid.Parse(Path.GetFileName(file)), await File.ReadAllBytesAsync(file), out var sound);
                    var bad = !sound;
                    foreach (var record in table ?? [])
                        bad |= record.Place.Offset + record.Place.Length > length || session.Files.Coder.Read((await File.ReadAllBytesAsync(file)).AsSpan(record.Place.Offset, record.Place.Length), record, null, new byte[65536]) < 0;
                    bad.ShouldBeTrue($"a flip at {at} of {length}");
                }
                Flip(file, at);
            }
        }
        (await VerifyAsync(home)).DamagedPacks.ShouldBe(0);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_damaged_index_is_made_anew_from_the_packs(bool encrypted)
    {
        using var home = New(encrypted);
        PointManifest point;
        await using (var session = await home.OpenAsync()) point = await Disk.BackUpAsync(session, Seeds(1, 30));
        Flip(Directory.GetFiles(Path.Combine(home.Folder, "index")).ShouldHaveSingleItem(), 100);
        (await VerifyAsync(home)).Damage.ShouldBeNull();
        await using var later = await home.OpenAsync();
        await Disk.ShouldBeAsync(later, point, Seeds(1, 30));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_damaged_index_stops_no_restore_for_the_packs_are_asked_instead(bool appendOnly)
    {
        using var home = new TestRepository { Options = new NewRepository(AppendOnly: appendOnly, PackBytes: 1 << 20) };
        PointManifest point;
        await using (var session = await home.OpenAsync()) point = await Disk.BackUpAsync(session, Seeds(1, 30));
        Flip(Directory.GetFiles(Path.Combine(home.Folder, "index")).ShouldHaveSingleItem(), 100);
        await using (var restoring = await home.OpenAsync())
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Disk.ShouldBeAsync(restoring, point, Seeds(1, 30))));
            await Should.ThrowAsync<RepositoryException>(() => restoring.ReadAsync(restoring.IdOf(TestRepository.Chunk(999)), new byte[Repository.ChunkSize], default));
        }
        await using var later = await home.OpenAsync();
        later.IsKnown(later.IdOf(TestRepository.Chunk(7))).ShouldBeTrue("it is in an index again");
    }

    [Fact]
    public async Task Lost_packs_and_damaged_nodes_are_told_with_the_points_that_need_them()
    {
        using var home = New(encrypted: false);
        PointManifest one, two;
        await using (var session = await home.OpenAsync()) one = await Disk.BackUpAsync(session, Seeds(1, 30));
        var first = Directory.GetFiles(Path.Combine(home.Folder, "packs"), "*", SearchOption.AllDirectories);
        await using (var session = await home.OpenAsync()) two = await Disk.BackUpAsync(session, Seeds(100, 30));
        var (node, at) = await PlaceAsync(home, two.Disks[0].Root.ToString());
        Flip(node, at + 60);
        foreach (var pack in first) File.Move(pack, pack + ".away");
        var found = await VerifyAsync(home);
        found.Affected.Select(a => a.Id).ShouldBe([one.Id, two.Id], ignoreOrder: true);
        // A lost pack that comes back is taken again.
        foreach (var pack in first) File.Move(pack + ".away", pack);
        (await VerifyAsync(home)).Affected.ShouldHaveSingleItem().Id.ShouldBe(two.Id);
    }

    [Fact]
    public async Task Points_exchanged_behind_the_back_do_not_open()
    {
        using var home = New(encrypted: true);
        PointManifest one, two;
        await using (var session = await home.OpenAsync())
        {
            one = await Disk.BackUpAsync(session, Seeds(1, 3));
            two = await Disk.BackUpAsync(session, Seeds(4, 3));
        }
        string File1(PointManifest p) => Path.Combine(home.Folder, "points", p.Id.ToString("D"));
        File.Copy(File1(one), File1(two), overwrite: true);
        await using var later = await home.OpenAsync();
        (await later.PointsAsync(default)).ShouldHaveSingleItem().Id.ShouldBe(one.Id);
        (await Should.ThrowAsync<RepositoryException>(() => later.PointAsync(two.Id, default))).Fault.ShouldBe(RepositoryFault.Damaged);
    }

    [Theory]
    [InlineData("\"version\": 1", "\"version\": 2", RepositoryFault.WrongFormat, "Update the console")]
    [InlineData("\"requires\": []", "\"requires\": [\"time-travel\"]", RepositoryFault.WrongFormat, "time-travel")]
    [InlineData("quarterdeck-backup-repository", "something-else", RepositoryFault.WrongFormat, "does not describe")]
    [InlineData("\"chunkSize\": 65536", "\"chunkSize\": 4096", RepositoryFault.WrongFormat, "does not allow")]
    [InlineData("{", "[", RepositoryFault.WrongFormat, "cannot be read")]
    [InlineData("\"appendOnly\": false", "\"appendOnly\": true", RepositoryFault.WrongKey, "altered")]
    public async Task A_configuration_of_another_kind_is_refused_with_the_remedy(string from, string to, RepositoryFault fault, string says)
    {
        using var home = New(encrypted: true);
        await (await home.FilesAsync()).DisposeAsync();
        var file = Path.Combine(home.Folder, "quarterdeck-repository.json");
        var text = await File.ReadAllTextAsync(file);
        text.ShouldContain(from);
        await File.WriteAllTextAsync(file, text.Replace(from, to));
        var refused = await Should.ThrowAsync<RepositoryException>(() => home.FilesAsync());
        refused.Fault.ShouldBe(fault);
        refused.Problem.Detail.ShouldContain(says);
    }

    [Fact]
    public async Task Another_key_is_refused_and_both_are_named()
    {
        using var home = New(encrypted: true);
        await (await home.FilesAsync()).DisposeAsync();
        var other = RepositoryKey.New();
        var refused = await Should.ThrowAsync<RepositoryException>(() => RepositoryFiles.OpenAsync(new Quarterdeck.Repositories.Objects.LocalStore(home.Folder), other, default));
        refused.Fault.ShouldBe(RepositoryFault.WrongKey);
        refused.Problem.Detail.ShouldContain(other.KeyId);
        refused.Problem.Detail.ShouldContain(home.Key!.KeyId);
    }
}
