using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers;

/// <summary>Strikes and tiers, on both engines.</summary>
public sealed class TierTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory, DatabaseData]
    public async Task Strikes_move_a_worker_into_a_cordon_and_then_off_each_step_with_its_reason(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        var (book, serial) = await DeployAsync(room);
        for (var i = 0; i < 2; i++) (await book.StrikeAsync(serial, StrikeKind.Cpu, "Version 1: a loop.", 1, None)).ShouldBe(WorkerTier.Shared);
        (await book.StrikeAsync(serial, StrikeKind.Cpu, "Version 1: the last loop.", 2, None)).ShouldBe(WorkerTier.Cordon);
        await room.SeesAsync(table => table.Workers[serial].Tier is WorkerTier.Cordon);
        (await book.ApartAsync(WorkersRoom.Viewer, None)).Value.ShouldHaveSingleItem().TierReason.ShouldBe("Version 1: the last loop.");
        var worker = (await room.Registry.GetAsync(WorkersRoom.Viewer, "shop", None)).Value;
        (worker.TierReason, worker.TierUntil is not null).ShouldBe(("Version 1: the last loop.", true));

        (await book.StrikeAsync(serial, StrikeKind.Cpu, "Version 1: a loop.", 10, None)).ShouldBe(WorkerTier.Cordon, "its strikes count anew after a step");
        (await book.StrikeAsync(serial, StrikeKind.Crash, "Version 1: ended its process.", 1, None)).ShouldBe(WorkerTier.Off);
        (await book.StrikeAsync(serial, StrikeKind.Crash, "late", 1, None)).ShouldBe(WorkerTier.Off);
        await room.SeesAsync(table => table.Workers[serial].Tier is WorkerTier.Off);

        var steps = (await book.HistoryAsync(WorkersRoom.Viewer, "shop", None)).Value;
        steps.Select(s => (s.From, s.To, s.Reason, s.By)).ShouldBe([(WorkerTier.Cordon, WorkerTier.Off, "Version 1: ended its process.", "system"), (WorkerTier.Shared, WorkerTier.Cordon, "Version 1: the last loop.", "system")]);
        (steps[0].Until - steps[0].At).ShouldBe(TimeSpan.FromMinutes(120), "the second step of a day lasts twice as long");
        var audit = (await room.Get<AuditTrail>().ListAsync(Caller.System, new AuditQuery(Target: "worker:shop"), new(Size: 100), None)).Value;
        audit.Items.Count(entry => entry.Action == "worker.tier").ShouldBe(2);
    }

    [Theory, DatabaseData]
    public async Task Whose_time_is_over_goes_one_step_back(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine, new TiersOptions { CordonMinutes = 0.01, OffMinutes = 0.01 });
        var (book, serial) = await DeployAsync(room);
        await book.StrikeAsync(serial, StrikeKind.Stuck, "stuck", 1, None);
        await book.StrikeAsync(serial, StrikeKind.Stuck, "stuck again", 4, None);
        (await room.Registry.GetAsync(Caller.System, "shop", None)).Value.Tier.ShouldBe(WorkerTier.Off);
        await ReturnUntilAsync(room, book, WorkerTier.Cordon);
        (await book.ApartAsync(WorkersRoom.Viewer, None)).Value.ShouldHaveSingleItem().Name.ShouldBe("shop");
        await ReturnUntilAsync(room, book, WorkerTier.Shared);
        (await book.ApartAsync(WorkersRoom.Viewer, None)).Value.ShouldBeEmpty();
        (await room.Registry.GetAsync(Caller.System, "shop", None)).Value.ShouldSatisfyAllConditions(w => w.TierReason.ShouldBeNull(), w => w.TierUntil.ShouldBeNull());
        await book.ReturnDueAsync(None);
        (await book.HistoryAsync(Caller.System, "shop", None)).Value.Count.ShouldBe(4);
    }

    [Theory, DatabaseData]
    public async Task A_hand_brings_back_and_sets_apart_and_only_an_administrators(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        var (book, serial) = await DeployAsync(room);
        (await book.MoveAsync(WorkersRoom.Operator, "shop", WorkerTier.Off, null, None)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await book.MoveAsync(WorkersRoom.Admin, "nobody", WorkerTier.Off, null, None)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);
        (await book.MoveAsync(WorkersRoom.Admin, "shop", WorkerTier.Shared, null, None)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
        (await book.MoveAsync(WorkersRoom.Admin, "shop", (WorkerTier)7, null, None)).Problem!.Kind.ShouldBe(ProblemKind.Invalid);
        (await book.MoveAsync(WorkersRoom.Admin, "shop", WorkerTier.Cordon, "looks odd", None)).Value.ShouldSatisfyAllConditions(step => step.Until.ShouldBeNull(), step => step.By.ShouldBe("ada"));
        (await book.StrikeAsync(serial, StrikeKind.Crash, "crash", 4, None)).ShouldBe(WorkerTier.Off);
        (await room.Registry.GetAsync(Caller.System, "shop", None)).Value.TierUntil.ShouldBeNull("who set it apart by hand is asked before it comes back");
        (await book.MoveAsync(WorkersRoom.Admin, "shop", WorkerTier.Shared, null, None)).Value.Reason.ShouldBe("ada moved it by hand.");
        await room.SeesAsync(table => table.Workers[serial].Tier is WorkerTier.Shared);
    }

    [Theory, DatabaseData]
    public async Task A_worker_that_is_not_trusted_starts_in_a_cordon_and_returns_no_further(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine, new TiersOptions { OffMinutes = 0.01 });
        await room.DeployAsync("shop", caller: WorkersRoom.Operator);
        var (book, serial) = (room.Get<TierBook>(), room.Table.Current.ByName("shop")!.Serial);
        room.Table.Current.Workers[serial].Tier.ShouldBe(WorkerTier.Cordon);
        (await book.MoveAsync(WorkersRoom.Admin, "shop", WorkerTier.Shared, null, None)).Problem!.Detail.ShouldContain("Trust the worker first");
        (await book.StrikeAsync(serial, StrikeKind.Crash, "crash", 4, None)).ShouldBe(WorkerTier.Off);
        await ReturnUntilAsync(room, book, WorkerTier.Cordon);
        (await room.Registry.GetAsync(Caller.System, "shop", None)).Value.TierUntil.ShouldBeNull();
        (await room.Registry.TrustAsync(WorkersRoom.Admin, "shop", true, None)).Value.Tier.ShouldBe(WorkerTier.Shared);
    }

    [Theory, DatabaseData]
    public async Task Strikes_from_many_sides_at_once_make_one_step(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        var (book, serial) = await DeployAsync(room);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => book.StrikeAsync(serial, StrikeKind.Cpu, "loop", 1, None)));
        (await book.HistoryAsync(Caller.System, "shop", None)).Value.Count.ShouldBe(1);
    }

    [Theory, DatabaseData]
    public async Task A_worker_that_was_deleted_counts_as_off(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        var (book, serial) = await DeployAsync(room);
        await book.StrikeAsync(serial, StrikeKind.Cpu, "loop", 1, None);
        (await room.Registry.DeleteAsync(WorkersRoom.Admin, "shop", None)).Ok.ShouldBeTrue();
        (await book.StrikeAsync(serial, StrikeKind.Cpu, "loop", 1, None)).ShouldBe(WorkerTier.Off);
    }

    [Fact]
    public void Settings_that_cannot_work_are_named_with_an_example() =>
        new TiersOptionsValidator().Validate(null, new TiersOptions { CordonStrikes = 0, HalfLifeMinutes = double.NaN }).FailureMessage!
            .ShouldSatisfyAllConditions(text => text.ShouldNotBeNull().ShouldContain("Quarterdeck__Workers__Tiers__CordonStrikes=3"), text => text.ShouldNotBeNull().ShouldContain("Quarterdeck__Workers__Tiers__HalfLifeMinutes=10"));

    private static async Task<(TierBook Book, long Serial)> DeployAsync(WorkersRoom room)
    {
        await room.DeployAsync("shop");
        return (room.Get<TierBook>(), room.Table.Current.ByName("shop")!.Serial);
    }

    private static async Task ReturnUntilAsync(WorkersRoom room, TierBook book, WorkerTier tier)
    {
        for (var tries = 0; (await room.Registry.GetAsync(Caller.System, "shop", None)).Value.Tier != tier; tries++)
        {
            tries.ShouldBeLessThan(600, $"it never went back to {tier}");
            await Task.Delay(100);
            await book.ReturnDueAsync(None);
        }
    }
}
