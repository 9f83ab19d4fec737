using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Repositories;

public sealed class ChunkTests
{
    public static TheoryData<bool> Encrypted => [false, true];

    private static TestRepository New(bool encrypted, int packBytes = 1 << 20) => new() { Key = encrypted ? RepositoryKey.New() : null, Options = new NewRepository(PackBytes: packBytes) };

    [Theory, MemberData(nameof(Encrypted))]
    public async Task What_was_stored_is_read_back_by_a_later_session(bool encrypted)
    {
        using var home = New(encrypted);
        var chunks = Enumerable.Range(0, 100).Select(i => i % 3 == 0 ? Enumerable.Repeat((byte)i, Repository.ChunkSize).ToArray() : TestRepository.Chunk(i)).ToArray();
        ChunkId[] ids;
        await using (var session = await home.OpenAsync())
        {
            var stored = await Task.WhenAll(chunks.Select(chunk => session.StoreAsync(chunk, default)));
            ids = [.. stored.Select(s => s.Id)];
            stored.Count(s => s.Stored).ShouldBe(99);   // the first one is zeros
            ids[0].IsZero.ShouldBeTrue();
            await session.FlushAsync(default);
        }
        await using var later = await home.OpenAsync();
        for (var i = 0; i < chunks.Length; i++)
        {
            later.IsKnown(ids[i]).ShouldBeTrue();
            var read = new byte[Repository.ChunkSize];
            await later.ReadAsync(ids[i], read, default);
            read.ShouldBe(chunks[i]);
        }
        (await later.PutAsync(ids[1], chunks[1], default)).ShouldBeFalse("it is there already");
        later.IsKnown(later.IdOf(TestRepository.Chunk(5000))).ShouldBeFalse();
    }

    [Fact]
    public async Task One_chunk_stored_many_times_at_once_is_kept_once()
    {
        using var home = New(encrypted: false);
        await using var session = await home.OpenAsync();
        var chunk = TestRepository.Chunk(1);
        var stored = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => session.StoreAsync(chunk, default)));
        stored.Count(s => s.Stored).ShouldBe(1);
        session.StoredBytes.ShouldBeInRange(Repository.ChunkSize, Repository.ChunkSize + 200);
    }

    [Fact]
    public async Task A_session_reads_what_it_has_not_flushed_itself()
    {
        using var home = New(encrypted: true);
        await using var session = await home.OpenAsync();
        var (id, _) = await session.StoreAsync(TestRepository.Chunk(1), default);
        var read = new byte[Repository.ChunkSize];
        await session.ReadAsync(id, read, default);
        read.ShouldBe(TestRepository.Chunk(1));
    }

    [Fact]
    public async Task A_session_reads_what_another_one_stored_after_it_began()
    {
        using var home = New(encrypted: false);
        await using var early = await home.OpenAsync();
        await using var late = await home.OpenAsync();
        var (id, _) = await late.StoreAsync(TestRepository.Chunk(1), default);
        await late.FlushAsync(default);
        var read = new byte[Repository.ChunkSize];
        await early.ReadAsync(id, read, default);
        read.ShouldBe(TestRepository.Chunk(1));
    }

    [Fact]
    public async Task Ids_of_an_encrypted_repository_tell_nothing_and_differ_between_repositories()
    {
        using var one = New(encrypted: true);
        using var two = New(encrypted: true);
        using var plain = New(encrypted: false);
        await using var a = await one.OpenAsync();
        await using var b = await two.OpenAsync();
        await using var c = await plain.OpenAsync();
        var chunk = TestRepository.Chunk(1);
        new[] { a.IdOf(chunk), b.IdOf(chunk), c.IdOf(chunk) }.Distinct().Count().ShouldBe(3);
        c.IdOf(chunk).ToString().ShouldBe(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(chunk)));
    }

    [Fact]
    public async Task An_encrypted_repository_holds_no_plain_text()
    {
        using var home = New(encrypted: true);
        var marker = System.Text.Encoding.ASCII.GetBytes("a secret that must not be found");
        await using (var session = await home.OpenAsync())
        {
            var chunk = TestRepository.Chunk(1);
            marker.CopyTo(chunk, 100);
            var (id, _) = await session.StoreAsync(chunk, default);
            var index = session.NewIndex(Repository.ChunkSize, null);
            index.Set(0, id);
            await session.CommitPointAsync(TestRepository.Point(await index.CompleteAsync(default), Repository.ChunkSize) with { DomainXml = "a secret that must not be found" }, default);
        }
        foreach (var file in Directory.EnumerateFiles(home.Folder, "*", SearchOption.AllDirectories))
            File.ReadAllBytes(file).AsSpan().IndexOf(marker).ShouldBe(-1, file);
    }

    [Theory, MemberData(nameof(Encrypted))]
    public async Task A_point_is_found_with_all_it_says(bool encrypted)
    {
        using var home = New(encrypted);
        PointManifest made;
        await using (var session = await home.OpenAsync())
        {
            var file = await session.PutFileAsync("nvram", TestRepository.Chunk(7).AsMemory(0, 1000), default);
            made = TestRepository.Point(default, 1 << 20) with { Files = [file], Notes = ["All was read: the bitmap was gone."], Labels = new PointLabels { Common = true } };
            await session.CommitPointAsync(made, default);
            await session.LabelPointAsync(made.Id, labels => labels with { Pinned = true }, default);
        }
        await using var later = await home.OpenAsync();
        var found = (await later.PointsAsync(default)).ShouldHaveSingleItem();
        found.Labels.ShouldBe(new PointLabels { Common = true, Pinned = true });
        found.Notes.ShouldBe(made.Notes);
        found.Disks.ShouldBe(made.Disks);
        (await later.ReadFileAsync(found.Files[0], default)).ShouldBe(TestRepository.Chunk(7)[..1000]);
        await later.RemovePointAsync(made.Id, default);
        (await later.PointAsync(made.Id, default)).ShouldBeNull();
        Directory.GetFiles(Path.Combine(home.Folder, "sessions")).Length.ShouldBe(1, "the first session ended");
    }
}
