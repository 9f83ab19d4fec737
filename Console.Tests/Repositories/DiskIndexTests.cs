using Quarterdeck.Repositories;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Repositories;

public sealed class DiskIndexTests : IAsyncLifetime
{
    private readonly TestRepository _home = new();
    private Repository _session = null!;

    public async Task InitializeAsync() => _session = await _home.OpenAsync();

    public async Task DisposeAsync()
    {
        await _session.DisposeAsync();
        _home.Dispose();
    }

    private static ChunkId Id(int seed)
    {
        var bytes = new byte[ChunkId.Size];
        new Random(seed).NextBytes(bytes);
        return ChunkId.From(bytes);
    }

    private async Task<DiskIndex> BuildAsync(IReadOnlyDictionary<long, ChunkId> chunks, long size, DiskIndex? parent = null)
    {
        var writer = _session.NewIndex(size, parent);
        foreach (var (chunk, id) in chunks) writer.Set(chunk, id);
        return _session.OpenIndex(await writer.CompleteAsync(default), size);
    }

    private static async Task<Dictionary<long, ChunkId>> AllAsync(DiskIndex index)
    {
        var all = new Dictionary<long, ChunkId>();
        await foreach (var (chunk, id) in index.DataAsync(default)) all.Add(chunk, id);
        return all;
    }

    /// <summary>Random disks, changed, resized and compared, against plain dictionaries.</summary>
    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(7), InlineData(8)]
    public async Task An_index_says_what_a_plain_table_would_say(int seed)
    {
        var random = new Random(seed);
        var sizes = new long[] { 1, 65536, 65537, 16 << 20, (16 << 20) + 1, 100 << 20, 4L << 30, (4L << 30) + 1, 300L << 30, 2L << 40 };
        Dictionary<long, ChunkId> model = [];
        DiskIndex? parent = null;
        for (var round = 0; round < 6; round++)
        {
            var size = round > 0 && random.Next(2) == 0 ? parent!.SizeBytes : sizes[random.Next(sizes.Length)];
            var chunks = (size + Repository.ChunkSize - 1) / Repository.ChunkSize;
            var before = model;
            model = model.Where(c => c.Key < chunks).ToDictionary();
            var changes = new Dictionary<long, ChunkId>();
            for (var i = random.Next(200); i > 0; i--)
            {
                var at = random.Next(3) == 0 ? random.NextInt64(chunks) : Math.Min(chunks - 1, random.Next(600));
                changes[at] = random.Next(4) == 0 ? ChunkId.Zero : Id(random.Next(1000));
            }
            foreach (var (chunk, id) in changes)
                if (id.IsZero) model.Remove(chunk);
                else model[chunk] = id;
            var index = await BuildAsync(changes, size, parent);
            (await AllAsync(index)).ShouldBe(model, ignoreOrder: true);
            index.Root.ShouldBe((await BuildAsync(model, size)).Root, "the way there does not matter");
            if (parent is not null)
            {
                var expected = before.Keys.Union(model.Keys).Where(c => before.GetValueOrDefault(c) != model.GetValueOrDefault(c)).Order()
                    .Select(c => new ChunkDifference(c, before.GetValueOrDefault(c), model.GetValueOrDefault(c))).ToArray();
                (await _session.CompareAsync(parent, index, default).ToArrayAsync()).ShouldBe(expected);
            }
            var start = random.NextInt64(chunks);
            var read = new ChunkId[700];
            await index.ReadAsync(start, read, default);
            read.ShouldBe(Enumerable.Range(0, 700).Select(i => model.GetValueOrDefault(start + i)));
            parent = index;
        }
    }

    [Fact]
    public async Task A_disk_of_zeros_has_the_zero_root_and_takes_nothing()
    {
        var index = await BuildAsync(new Dictionary<long, ChunkId> { [5] = ChunkId.Zero }, 10L << 40);
        index.Root.ShouldBe(default);
        _session.StoredBytes.ShouldBe(0);
    }

    [Fact]
    public async Task A_disk_filled_in_any_order_needs_bounded_memory_and_gets_the_same_root()
    {
        const int leaves = 5000;
        var ids = Enumerable.Range(0, leaves).ToDictionary(i => (long)i * 256 + i % 256, i => Id(i + 1));
        var size = leaves * 256L * Repository.ChunkSize;
        var upwards = await BuildAsync(ids, size);
        var writer = _session.NewIndex(size, null);
        foreach (var (chunk, id) in ids.Reverse()) writer.Set(chunk, id);
        foreach (var chunk in ids.Keys.Take(50)) writer.Set(chunk, ids[chunk]);
        foreach (var chunk in ids.Keys.Reverse().Take(50)) writer.Set(chunk, ids[chunk]);
        (await writer.CompleteAsync(default)).ShouldBe(upwards.Root);
    }

    [Fact]
    public async Task Comparing_large_disks_that_differ_little_reads_little()
    {
        var ids = Enumerable.Range(0, 1000).ToDictionary(i => (long)i * 160_000, i => Id(i));
        var parent = await BuildAsync(ids, 10L << 40);
        var child = await BuildAsync(new Dictionary<long, ChunkId> { [77] = Id(5), [160_000L * 500] = Id(6) }, 10L << 40, parent);
        await _session.FlushAsync(default);
        await using var later = await _home.OpenAsync();
        (await later.CompareAsync(later.OpenIndex(parent.Root, parent.SizeBytes), later.OpenIndex(child.Root, child.SizeBytes), default).CountAsync()).ShouldBe(2);
        later.ReadBytes.ShouldBeLessThan(100_000);
    }
}
