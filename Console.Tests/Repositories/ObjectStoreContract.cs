using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Upkeep;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Repositories;

/// <summary>What every place of objects must do; a folder and a bucket pass the same.</summary>
public abstract class ObjectStoreContract
{
    /// <summary>The same place at each call.</summary>
    internal abstract IObjectStore Store();

    [Fact]
    public async Task Objects_are_written_replaced_read_listed_and_removed()
    {
        await using var store = Store();
        await store.WriteAsync("a/one", "1"u8.ToArray(), default);
        await store.WriteAsync("a/one", "one"u8.ToArray(), default);
        await store.WriteAsync("a/deep/two", new byte[100], default);
        await store.WriteAsync("ab/three", Array.Empty<byte>(), default);
        (await store.ReadAsync("a/one", default)).ShouldBe("one"u8.ToArray());
        (await store.ReadAsync("a/none", default)).ShouldBeNull();
        (await store.ListAsync("a", default).ToListAsync()).OrderBy(e => e.Name).ShouldBe([new("a/deep/two", 100), new("a/one", 3)]);
        (await store.ListAsync("none", default).ToListAsync()).ShouldBeEmpty();
        await store.DeleteAsync("a/one", default);
        await store.DeleteAsync("a/one", default);
        (await store.ReadAsync("a/one", default)).ShouldBeNull();
    }

    [Fact]
    public async Task Parts_are_read_and_the_end_is_told()
    {
        await using var store = Store();
        var content = TestRepository.Chunk(1);
        await store.WriteAsync("p", content, default);
        var into = new byte[1000];
        (await store.ReadAsync("p", 500, into, default)).ShouldBe(1000);
        into.ShouldBe(content[500..1500]);
        (await store.ReadAsync("p", content.Length - 10, into, default)).ShouldBe(10);
        (await store.ReadAsync("p", content.Length + 5, into, default)).ShouldBe(0);
        (await store.ReadAsync("none", 0, into, default)).ShouldBe(-1);
    }

    [Fact]
    public async Task Of_many_that_create_one_name_one_wins()
    {
        await using var store = Store();
        var won = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => store.CreateAsync("locks/x", new[] { (byte)i }, default)));
        won.Count(w => w).ShouldBe(1);
        (await store.ReadAsync("locks/x", default))!.Single().ShouldBe((byte)Array.IndexOf(won, true));
    }

    [Fact]
    public async Task Large_objects_are_whole()
    {
        await using var store = Store();
        var large = new byte[19 << 20];
        new Random(5).NextBytes(large);
        await store.WriteAsync("large", large, default);
        (await store.ReadAsync("large", default)).AsSpan().SequenceEqual(large).ShouldBeTrue();
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_repository_lives_there_through_backup_removal_collect_and_verification(bool encrypted)
    {
        var key = encrypted ? RepositoryKey.New() : null;
        await (await RepositoryFiles.CreateAsync(Store(), new NewRepository(PackBytes: 1 << 20), key, TimeProvider.System, default)).DisposeAsync();
        async Task<Repository> OpenAsync() => await Repository.OpenAsync(await RepositoryFiles.OpenAsync(Store(), key, default), "test", null, TimeProvider.System, default);

        PointManifest one, two;
        int[] first = [.. Enumerable.Range(1, 60)], second = [.. Enumerable.Range(40, 60)];
        await using (var session = await OpenAsync())
        {
            one = await Disk.BackUpAsync(session, first);
            two = await Disk.BackUpAsync(session, second);
            await session.RemovePointAsync(one.Id, default);
        }
        await using (var session = await OpenAsync()) (await new Collector(session, TimeProvider.System, _ => { }).RunAsync(default)).RemovedPacks.ShouldBeGreaterThan(0);
        await using (var session = await OpenAsync())
        {
            (await new Verifier(session, TimeProvider.System, _ => { }).RunAsync(default)).Damage.ShouldBeNull();
            await Disk.ShouldBeAsync(session, two, second);
            (await session.PointAsync(two.Id, default))!.Labels.VerifiedAt.ShouldNotBeNull();
        }
    }
}

public sealed class LocalStoreTests : ObjectStoreContract, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("qd-store-");

    internal override IObjectStore Store() => new LocalStore(_folder.FullName);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_folder_that_is_not_mounted_is_away_and_not_made_anew()
    {
        await using var store = new LocalStore(Path.Combine(_folder.FullName, "gone"));
        (await Should.ThrowAsync<RepositoryException>(() => store.WriteAsync("a", new byte[1], default))).Fault.ShouldBe(RepositoryFault.Unreachable);
        (await Should.ThrowAsync<RepositoryException>(() => store.ReadAsync("a", default))).Fault.ShouldBe(RepositoryFault.Unreachable);
        Directory.Exists(store.Location).ShouldBeFalse();
    }
}

public sealed class S3StoreTests : ObjectStoreContract, IClassFixture<S3StoreTests.Service>
{
    private readonly Service _service;
    private readonly string _prefix = Guid.NewGuid().ToString("N");

    public S3StoreTests(Service service) => _service = service;

    public sealed class Service : IAsyncLifetime
    {
        internal S3Server Server { get; private set; } = null!;

        public async Task InitializeAsync() => Server = await S3Server.StartAsync();

        public async Task DisposeAsync() => await Server.DisposeAsync();
    }

    internal override IObjectStore Store() => _service.Server.Store(_prefix);

    [Theory]
    [InlineData("full", RepositoryFault.Full)]
    [InlineData("readonly", RepositoryFault.ReadOnly)]
    [InlineData("away", RepositoryFault.Unreachable)]
    public async Task A_bucket_that_fails_in_the_middle_fails_the_backup_and_costs_no_point(string mode, RepositoryFault fault)
    {
        await (await RepositoryFiles.CreateAsync(Store(), new NewRepository(PackBytes: 1 << 20), null, TimeProvider.System, default)).DisposeAsync();
        async Task<Repository> OpenAsync() => await Repository.OpenAsync(await RepositoryFiles.OpenAsync(Store(), null, default), "test", null, TimeProvider.System, default);
        int[] seeds = [.. Enumerable.Range(1, 20)];
        PointManifest one;
        await using (var session = await OpenAsync()) one = await Disk.BackUpAsync(session, seeds);
        await using (var session = await OpenAsync())
        {
            await session.StoreAsync(TestRepository.Chunk(500), default);
            await _service.Server.TurnAsync(mode);
            try { (await Should.ThrowAsync<RepositoryException>(() => Disk.BackUpAsync(session, [.. Enumerable.Range(100, 40)]))).Fault.ShouldBe(fault); }
            finally { await _service.Server.TurnAsync("ok"); }
        }
        await using var later = await OpenAsync();
        (await later.PointsAsync(default)).ShouldHaveSingleItem();
        await Disk.ShouldBeAsync(later, one, seeds);
    }
}
