using Quarterdeck.Schedules;
using Quarterdeck.Hosts;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Plugins;

public sealed class RevocationTests
{
    private const string Nonce = "n0nce-of-the-appliance";

    [Theory, DatabaseData]
    public async Task A_revoked_token_opens_nothing_and_after_enabling_only_another_token(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var old = await ReadyAsync(room);
        await room.DisableAsync(old.PluginId);
        (await room.Enrolment.HeartbeatAsync(old.PluginId, old.Token, PluginRoom.Says("healthy"), default)).Ok.ShouldBeFalse();
        (await CallerAsync(room, old.Token)).ShouldBeNull();

        await room.EnableAsync(old.PluginId);
        (await CallerAsync(room, old.Token)).ShouldBeNull("the revoked token is the plug-in's again");
        var lost = (await room.Enrolment.HeartbeatAsync(old.PluginId, old.Token, PluginRoom.Says("healthy"), default)).Value;
        lost.Token.ShouldNotBeNull();
        var fresh = (await room.Enrolment.HeartbeatAsync(old.PluginId, old.Token, PluginRoom.Says("healthy"), default)).Value.Token!;
        fresh.ShouldNotBe(lost.Token);
        (await room.Enrolment.HeartbeatAsync(old.PluginId, fresh, PluginRoom.Says("healthy"), default)).Value.Token.ShouldBeNull();
        (await CallerAsync(room, fresh)).ShouldNotBeNull();
        (await room.Enrolment.HeartbeatAsync(old.PluginId, old.Token, PluginRoom.Says("healthy"), default)).Ok.ShouldBeFalse("the old token is still exchanged");
        (await room.Enrolment.HeartbeatAsync(old.PluginId, lost.Token, PluginRoom.Says("healthy"), default)).Ok.ShouldBeFalse();
    }

    [Fact]
    public async Task The_exchange_has_its_time_and_opens_anew_with_each_enabling()
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var old = await ReadyAsync(room);
        await room.DisableAsync(old.PluginId);
        await room.EnableAsync(old.PluginId);
        room.Time.Forward(TimeSpan.FromMinutes(16));
        (await room.Enrolment.HeartbeatAsync(old.PluginId, old.Token, PluginRoom.Says("healthy"), default)).Ok.ShouldBeFalse();

        await room.DisableAsync(old.PluginId);
        await room.EnableAsync(old.PluginId);
        (await room.Enrolment.HeartbeatAsync(old.PluginId, old.Token, PluginRoom.Says("healthy"), default)).Value.Token.ShouldNotBeNull();
    }

    [Theory, DatabaseData]
    public async Task A_lost_answer_is_asked_for_again_by_whom_it_was_for_until_the_first_heartbeat(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var plugin = await room.PoweredOnAsync();
        var request = PluginRoom.Request(plugin.Token) with { Nonce = Nonce };
        var lost = (await room.Enrolment.EnrolAsync(request, default)).Value;
        (await room.Enrolment.EnrolAsync(request with { Nonce = "another-nonce-of-a-thief" }, default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
        (await room.Enrolment.EnrolAsync(request with { Nonce = null }, default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);

        var again = (await room.Enrolment.EnrolAsync(request, default)).Value;
        (await room.Enrolment.HeartbeatAsync(plugin.Id, lost.Token, PluginRoom.Says("healthy"), default)).Ok.ShouldBeFalse("two tokens are out");
        (await room.Enrolment.HeartbeatAsync(plugin.Id, again.Token, PluginRoom.Says("healthy"), default)).Ok.ShouldBeTrue();
        (await room.Enrolment.EnrolAsync(request, default)).Ok.ShouldBeFalse("it was heard with its token: nothing was lost");
    }

    [Fact]
    public async Task A_plug_in_is_a_caller_with_what_was_approved_that_it_asks_for_and_that_is_no_administration()
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var manifest = OvaBuilder.Plugin.Replace("\"vms.read\"", "\"plugins.read\",\"plugins.manage\",\"tokens.own\",\"no.such\"");
        var plugin = await ReadyAsync(room, manifest, ["plugins.read", "plugins.manage", "tokens.own", "no.such", "hosts.read"]);

        var caller = (await CallerAsync(room, plugin.Token))!;

        (caller.Kind, caller.Id, caller.Name, caller.Role).ShouldBe((CallerKind.Plugin, plugin.PluginId, "Probe", Role.Operator));
        caller.Scopes!.ShouldBe(["plugins.read"]);
        caller.May(PluginPermissions.Read).ShouldBeTrue();
        caller.May(PluginPermissions.Manage).ShouldBeFalse();
        (await CallerAsync(room, "qdp_" + new string('A', 43))).ShouldBeNull();
        room.Time.Forward(TimeSpan.FromDays(91));
        (await CallerAsync(room, plugin.Token)).ShouldBeNull();
    }

    private static async Task<EnrolmentAnswer> ReadyAsync(PluginRoom room, string manifest = OvaBuilder.Plugin, string[]? approved = null)
    {
        var plugin = await room.PoweredOnAsync(manifest);
        if (approved is not null) await room.ApproveAsync(plugin.Id, approved);
        var answer = (await room.Enrolment.EnrolAsync(PluginRoom.Request(plugin.Token, manifest), default)).Value;
        (await room.Enrolment.HeartbeatAsync(plugin.Id, answer.Token, PluginRoom.Says("healthy"), default)).Ok.ShouldBeTrue();
        return answer;
    }

    private static Task<Caller?> CallerAsync(PluginRoom room, string token) => room.Get<PluginCallers>().VerifyAsync(token, null, default);

    [Fact]
    public void Nothing_is_granted_that_would_outlive_the_plug_in_or_administer()
    {
        foreach (var never in new[] { AccessPermissions.OwnTokens, AccessPermissions.Self, SchedulesPermissions.Manage, PluginPermissions.Manage }) PluginCallers.Grantable(never).ShouldBeFalse(never.Key);
        PluginCallers.Grantable(HostsPermissions.ReadVms).ShouldBeTrue();
    }
}
