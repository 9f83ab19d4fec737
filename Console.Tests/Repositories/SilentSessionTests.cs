using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Upkeep;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Repositories;

/// <summary>When a session that says nothing is taken for dead: by a beat that stands still for fifteen minutes and while it is watched, never by comparing clocks.</summary>
public sealed class SilentSessionTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly int[] Seeds = [.. Enumerable.Range(1, 30)];
    private readonly TestRepository _home = new() { Options = new NewRepository(PackBytes: 1 << 20) };
    private readonly HandTime _sleeper = new(Noon), _clock = new(Noon);
    private PointManifest _first = null!;

    public void Dispose() => _home.Dispose();

    /// <summary>A session whose process stands still, and that relies on packs which a collect has condemned.</summary>
    private async Task<Repository> SleepingAsync()
    {
        await using (var session = await _home.OpenAsync()) _first = await Disk.BackUpAsync(session, Seeds);
        var sleeping = await Repository.OpenAsync(await _home.FilesAsync(), "test", null, _sleeper, default);
        await sleeping.RemovePointAsync(_first.Id, default);
        (await CollectAsync()).WaitsFor.ShouldBe(1);
        return sleeping;
    }

    private async Task<Collected> CollectAsync()
    {
        await using var session = await _home.OpenAsync();
        return await new Collector(session, _clock, _ => { }).RunAsync(default);
    }

    /// <summary>The same, while the collector's clock goes on, so that it has watched long enough.</summary>
    private async Task<Collected> CollectWatchingAsync(Func<Task> meanwhile)
    {
        var collecting = CollectAsync();
        while (!collecting.IsCompleted)
        {
            await meanwhile();
            _clock.Forward(TimeSpan.FromSeconds(10));
            await Task.Delay(20);
        }
        return await collecting;
    }

    [Fact]
    public async Task A_beat_that_stands_still_ends_the_session_and_its_point_is_refused_rather_than_made_with_holes()
    {
        await using var sleeping = await SleepingAsync();
        _clock.Forward(TimeSpan.FromMinutes(14));
        (await CollectAsync()).ShouldSatisfyAllConditions(c => c.WaitsFor.ShouldBe(1), c => c.RemovedPacks.ShouldBe(0));
        _clock.Forward(TimeSpan.FromMinutes(2));
        (await CollectWatchingAsync(() => Task.CompletedTask)).ShouldSatisfyAllConditions(c => c.WaitsFor.ShouldBe(0), c => c.RemovedPacks.ShouldBeGreaterThan(0));

        // It wakes up, believes that all of it is there, and sends nothing.
        var late = await Should.ThrowAsync<RepositoryException>(() => Disk.BackUpAsync(sleeping, Seeds));
        late.Fault.ShouldBe(RepositoryFault.SessionLost);
        await using var later = await _home.OpenAsync();
        (await later.PointsAsync(default)).ShouldBeEmpty();
        await Disk.ShouldBeAsync(later, await Disk.BackUpAsync(later, Seeds), Seeds);
    }

    [Fact]
    public async Task A_clock_that_was_set_forward_alone_declares_nobody_dead()
    {
        await using var sleeping = await SleepingAsync();
        _clock.Forward(TimeSpan.FromDays(400));
        var beat = 0;
        Directory.CreateDirectory(Path.Combine(_home.Folder, Names.Beats));
        async Task BeatAsync() => await File.WriteAllTextAsync(Path.Combine(_home.Folder, Names.Beat(sleeping.SessionId)), (++beat).ToString());
        (await CollectWatchingAsync(BeatAsync)).ShouldSatisfyAllConditions(c => c.WaitsFor.ShouldBe(1), c => c.RemovedPacks.ShouldBe(0));
        await Disk.ShouldBeAsync(sleeping, await Disk.BackUpAsync(sleeping, Seeds), Seeds);
    }

    [Fact]
    public async Task A_clock_that_was_set_back_waits_the_full_time_anew()
    {
        await using var sleeping = await SleepingAsync();
        _clock.Forward(TimeSpan.FromDays(-30));
        (await CollectAsync()).WaitsFor.ShouldBe(1);
        _clock.Forward(TimeSpan.FromMinutes(14));
        (await CollectAsync()).ShouldSatisfyAllConditions(c => c.WaitsFor.ShouldBe(1), c => c.RemovedPacks.ShouldBe(0));
        await Disk.ShouldBeAsync(sleeping, await Disk.BackUpAsync(sleeping, Seeds), Seeds);
    }
}
