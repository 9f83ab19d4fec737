using Quarterdeck.Workers.Front.Upstream;

namespace Quarterdeck.Tests.Workers.Front;

public sealed class ReplayTurnsTests
{
    [Fact]
    public async Task What_came_back_goes_again_one_by_one_the_newest_first_once_the_server_is_back()
    {
        await using var server = new StandInServer();
        var (turns, ended) = (new ReplayTurns(server), server.Generation);
        server.Kill();
        var order = new List<long>();
        var waiting = new long[] { 2, 1, 3 }.Select(async began =>
        {
            using var turn = await turns.TakeAsync(began, ended, CancellationToken.None);
            turn.ShouldNotBeNull();
            lock (order) order.Add(began);
            await Task.Delay(20);
            lock (order) order.Add(-began);
        }).ToList();
        await Task.Delay(100);
        order.ShouldBeEmpty();
        server.Start();
        await Task.WhenAll(waiting).WaitAsync(TimeSpan.FromSeconds(30));
        order.ShouldBe([3, -3, 2, -2, 1, -1]);
    }

    [Fact]
    public async Task Whose_visitor_went_away_keeps_nobody_waiting()
    {
        await using var server = new StandInServer();
        var turns = new ReplayTurns(server);
        var first = await turns.TakeAsync(1, -1, CancellationToken.None);
        using var gone = new CancellationTokenSource();
        var second = turns.TakeAsync(3, -1, gone.Token).AsTask();
        var third = turns.TakeAsync(2, -1, CancellationToken.None).AsTask();
        await gone.CancelAsync();
        (await second).ShouldBeNull();
        first!.Dispose();
        (await third).ShouldNotBeNull().Dispose();
    }
}
