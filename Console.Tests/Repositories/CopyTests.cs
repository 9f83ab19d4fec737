using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Upkeep;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Repositories;

public sealed class CopyTests
{
    [Theory, InlineData(false), InlineData(true)]
    public async Task Points_are_copied_whole_and_only_what_is_missing_moves(bool encryptedThere)
    {
        using var here = new TestRepository { Options = new NewRepository(PackBytes: 1 << 20) };
        using var there = new TestRepository { Key = encryptedThere ? RepositoryKey.New() : null, Options = new NewRepository(PackBytes: 1 << 20) };
        int[] first = [.. Enumerable.Range(1, 40)], second = [.. first];
        (second[3], second[9]) = (700, 0);
        await using var from = await here.OpenAsync();
        var one = await Disk.BackUpAsync(from, first, at: DateTimeOffset.UtcNow.AddHours(-1));
        var two = await Disk.BackUpAsync(from, second, one, first);
        await using (var to = await there.OpenAsync())
        {
            var all = await new PointCopy(from, to, _ => { }).RunAsync([one.Id], default);
            (all.Points, all.NewChunks).ShouldBe((1, 40));
        }
        await using (var to = await there.OpenAsync())
        {
            var more = await new PointCopy(from, to, _ => { }).RunAsync(null, default);
            (more.Points, more.Skipped, more.ReadChunks, more.NewChunks).ShouldBe((1, 1, 1, 1));
            (await new PointCopy(from, to, _ => { }).RunAsync(null, default)).Skipped.ShouldBe(2);
        }
        await using var later = await there.OpenAsync();
        foreach (var point in await later.PointsAsync(default)) await Disk.ShouldBeAsync(later, point, point.Id == two.Id ? second : first);
        (await later.PointsAsync(default)).Select(p => p.Id).ShouldBe([two.Id, one.Id]);
    }
}
