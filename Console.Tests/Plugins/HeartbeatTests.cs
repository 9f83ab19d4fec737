using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Plugins.Life;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Plugins;

public sealed class HeartbeatTests
{
    [Theory, DatabaseData]
    public async Task A_plug_in_that_falls_silent_is_degraded_then_unreachable_and_comes_back(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var (id, token) = await EnrolledAsync(room);
        var watch = new HealthWatch(room.Store, room.Get<EventStream<Plugin>>(), room.Time, room.Get<IOptions<PluginsOptions>>(), NullLogger<HealthWatch>.Instance);
        var began = room.Time.GetUtcNow().AddHours(-1);
        async Task<PluginState> StateAfterAsync(int seconds)
        {
            room.Time.Forward(TimeSpan.FromSeconds(seconds));
            await watch.LookAsync(began, TimeSpan.FromSeconds(15), default);
            return (await room.PluginAsync(id)).State;
        }

        (await StateAfterAsync(40)).ShouldBe(PluginState.Ready);
        (await StateAfterAsync(10)).ShouldBe(PluginState.Degraded);
        (await StateAfterAsync(35)).ShouldBe(PluginState.Degraded);
        (await StateAfterAsync(10)).ShouldBe(PluginState.Unreachable);
        (await room.PluginAsync(id)).Health.Reason.ShouldNotBeNull();

        (await room.Enrolment.HeartbeatAsync(id, token, PluginRoom.Says("healthy"), default)).Value.State.ShouldBe(PluginState.Ready);
        (await room.PluginAsync(id)).Health.ShouldSatisfyAllConditions(h => h.State.ShouldBe(HealthState.Healthy), h => h.Reason.ShouldBeNull());
    }

    [Fact]
    public async Task A_console_that_was_off_calls_nobody_silent_before_it_could_hear()
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var (id, _) = await EnrolledAsync(room);
        var watch = new HealthWatch(room.Store, room.Get<EventStream<Plugin>>(), room.Time, room.Get<IOptions<PluginsOptions>>(), NullLogger<HealthWatch>.Instance);
        room.Time.Forward(TimeSpan.FromHours(8));
        var began = room.Time.GetUtcNow();

        room.Time.Forward(TimeSpan.FromSeconds(40));
        await watch.LookAsync(began, TimeSpan.FromSeconds(15), default);
        (await room.PluginAsync(id)).State.ShouldBe(PluginState.Ready);
        room.Time.Forward(TimeSpan.FromSeconds(10));
        await watch.LookAsync(began, TimeSpan.FromSeconds(15), default);
        (await room.PluginAsync(id)).State.ShouldBe(PluginState.Degraded);
    }

    [Theory]
    [InlineData("degraded", HealthState.Degraded)]
    [InlineData("failed", HealthState.Failed)]
    public async Task What_a_plug_in_says_is_told_with_its_reason(string said, HealthState health)
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var (id, token) = await EnrolledAsync(room);

        (await room.Enrolment.HeartbeatAsync(id, token, PluginRoom.Says(said, "The disk is full."), default)).Value.State.ShouldBe(PluginState.Degraded);

        (await room.PluginAsync(id)).Health.ShouldSatisfyAllConditions(h => h.State.ShouldBe(health), h => h.Reason.ShouldBe("The disk is full."));
    }

    [Theory]
    [InlineData("fine", null, "health.state")]
    [InlineData(null, null, "health.state")]
    [InlineData("failed", "bell\u0007", "health.reason")]
    [InlineData("failed", "long", "health.reason")]
    public async Task A_heartbeat_that_means_nothing_is_refused(string? state, string? reason, string field)
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var (id, token) = await EnrolledAsync(room);

        (await room.Enrolment.HeartbeatAsync(id, token, new Heartbeat(new HeartbeatHealth(state, reason == "long" ? new string('x', 401) : reason)), default)).Problem!.Errors.Single().Field.ShouldBe(field);
    }

    [Theory, DatabaseData]
    public async Task A_token_is_renewed_in_its_last_third_and_an_answer_may_get_lost(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var (id, token) = await EnrolledAsync(room);
        async Task<Result<HeartbeatAnswer>> BeatAsync(string with) => await room.Enrolment.HeartbeatAsync(id, with, PluginRoom.Says("healthy"), default);

        (await BeatAsync(token)).Value.Token.ShouldBeNull();
        room.Time.Forward(TimeSpan.FromDays(61));
        var lost = (await BeatAsync(token)).Value.Token.ShouldNotBeNull();
        var next = (await BeatAsync(token)).Value.Token.ShouldNotBeNull("the answer before may have got lost");
        (await BeatAsync(lost)).Ok.ShouldBeFalse();
        (await BeatAsync(next)).Ok.ShouldBeTrue();
        (await BeatAsync(token)).Ok.ShouldBeFalse("the next token was used");
        room.Time.Forward(TimeSpan.FromDays(91));
        (await BeatAsync(next)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
    }

    [Theory]
    [InlineData(PluginState.Disabled)]
    [InlineData(PluginState.Uninstalling)]
    public async Task A_plug_in_that_was_turned_off_is_not_heard(PluginState state)
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var (id, token) = await EnrolledAsync(room);
        await room.Store.MoveAsync(id, [PluginState.Ready], state, null, default);

        (await room.Enrolment.HeartbeatAsync(id, token, PluginRoom.Says("healthy"), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await room.PluginAsync(id)).State.ShouldBe(state);
    }

    [Fact]
    public async Task The_token_of_one_plug_in_is_worth_nothing_for_another()
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var (_, token) = await EnrolledAsync(room);
        var other = await room.PoweredOnAsync(OvaBuilder.Plugin.Replace("probe", "other"));
        await room.Enrolment.EnrolAsync(PluginRoom.Request(other.Token, OvaBuilder.Plugin.Replace("probe", "other")), default);

        (await room.Enrolment.HeartbeatAsync(other.Id, token, PluginRoom.Says("healthy"), default)).Ok.ShouldBeFalse();
        (await room.Enrolment.HeartbeatAsync(other.Id, null, PluginRoom.Says("healthy"), default)).Ok.ShouldBeFalse();
        (await room.Enrolment.HeartbeatAsync(Guid.NewGuid(), token, PluginRoom.Says("healthy"), default)).Ok.ShouldBeFalse();
    }

    private static async Task<(Guid Id, string Token)> EnrolledAsync(PluginRoom room)
    {
        var answer = await room.EnrolAsync(await room.PoweredOnAsync());
        (await room.Enrolment.HeartbeatAsync(answer.PluginId, answer.Token, PluginRoom.Says("healthy"), default)).Value.State.ShouldBe(PluginState.Ready);
        return (answer.PluginId, answer.Token);
    }
}
