using Dapper;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Access;

public sealed class SessionsTests
{
    private static Task<string> BeginAsync(AccessRoom room, Caller user) => room.Get<SessionKeeper>().OpenAsync(user.Id!.Value, "192.0.2.1", "agent", default);

    [Theory, DatabaseData]
    public async Task A_session_lives_by_use_and_ends_without(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var keeper = room.Get<SessionKeeper>();
        var key = await BeginAsync(room, await room.UserAsync("nora", Role.Viewer));
        for (var i = 0; i < 4; i++)
        {
            room.Time.Forward(TimeSpan.FromHours(8));
            await keeper.TouchAsync((await keeper.FindAsync(key, default)).ShouldNotBeNull().SessionId, default);
        }
        room.Time.Forward(TimeSpan.FromHours(12));
        (await keeper.FindAsync(key, default)).ShouldBeNull();
    }

    [Theory, DatabaseData]
    public async Task The_key_of_the_cookie_is_stored_hashed_only(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var key = await BeginAsync(room, await room.UserAsync("nora", Role.Viewer));
        await using var connection = await room.Db.OpenAsync(default);
        IDictionary<string, object?> row = await connection.QuerySingleAsync("SELECT * FROM sessions");
        row.Values.ShouldAllBe(v => v == null || !v.ToString()!.Contains(key));
    }

    [Theory, DatabaseData]
    public async Task One_lists_and_ends_own_sessions_and_nobody_elses(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var keeper = room.Get<SessionKeeper>();
        var profile = room.Get<Profile>();
        var nora = await room.UserAsync("nora", Role.Viewer);
        var other = await room.UserAsync("olaf", Role.Viewer);
        string[] keys = [await BeginAsync(room, nora), await BeginAsync(room, nora), await BeginAsync(room, nora)];
        var foreign = await BeginAsync(room, other);
        var here = nora with { SessionId = (await keeper.FindAsync(keys[0], default))!.SessionId };
        var list = (await profile.SessionsAsync(here, default)).Value;
        list.Count.ShouldBe(3);
        list.Single(s => s.Current).Id.ShouldBe(here.SessionId!.Value);
        (await profile.EndSessionAsync(here, (await keeper.FindAsync(foreign, default))!.SessionId, default)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);
        (await profile.EndSessionAsync(here, (await keeper.FindAsync(keys[1], default))!.SessionId, default)).Ok.ShouldBeTrue();
        (await profile.EndOtherSessionsAsync(here, default)).Value.ShouldBe(1);
        (await keeper.FindAsync(keys[0], default)).ShouldNotBeNull();
        (await keeper.FindAsync(keys[2], default)).ShouldBeNull();
        (await keeper.FindAsync(foreign, default)).ShouldNotBeNull();
        // A token has no session of its own: all of its owner's end.
        (await profile.EndOtherSessionsAsync(nora, default)).Value.ShouldBe(1);
    }

    [Theory, DatabaseData]
    public async Task A_changed_password_ends_all_sessions_but_the_present_one(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var keeper = room.Get<SessionKeeper>();
        var nora = await room.UserAsync("nora", Role.Viewer);
        var (kept, gone) = (await BeginAsync(room, nora), await BeginAsync(room, nora));
        var here = nora with { SessionId = (await keeper.FindAsync(kept, default))!.SessionId };
        var profile = room.Get<Profile>();
        (await profile.ChangePasswordAsync(here, "not it", "another good password", default)).Problem!.Errors[0].Field.ShouldBe("currentPassword");
        (await profile.ChangePasswordAsync(here, "correct horse battery", "short", default)).Problem!.Errors[0].Field.ShouldBe("newPassword");
        (await profile.ChangePasswordAsync(here, "correct horse battery", "another good password", default)).Ok.ShouldBeTrue();
        (await keeper.FindAsync(kept, default)).ShouldNotBeNull();
        (await keeper.FindAsync(gone, default)).ShouldBeNull();
        (await profile.ChangePasswordAsync(nora, "another good password", "correct horse battery", default)).Ok.ShouldBeTrue();
        (await keeper.FindAsync(kept, default)).ShouldBeNull();
    }

    [Fact]
    public async Task Guessing_the_present_password_of_an_open_session_is_slowed_down()
    {
        await using var room = await AccessRoom.OpenAsync(DatabaseEngine.Sqlite);
        var nora = await room.UserAsync("nora", Role.Viewer);
        var profile = room.Get<Profile>();
        for (var i = 0; i < 10; i++) await profile.ChangePasswordAsync(nora, "guess", "another good password", default);
        (await profile.ChangePasswordAsync(nora, "correct horse battery", "another good password", default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
        room.Time.Forward(TimeSpan.FromMinutes(1));
        (await profile.ChangePasswordAsync(nora, "correct horse battery", "another good password", default)).Ok.ShouldBeTrue();
    }

    [Fact]
    public async Task The_token_of_the_settings_has_no_account()
    {
        await using var room = await AccessRoom.OpenAsync(DatabaseEngine.Sqlite);
        var token = (await room.Get<TokenVerifier>().VerifyAsync(AccessRoom.AdminToken, null, default))!;
        (await room.Get<Profile>().SessionsAsync(token, default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
    }

    [Fact]
    public async Task A_session_ended_on_one_node_is_noticed_on_the_other()
    {
        await using var one = await AccessRoom.OpenAsync(DatabaseEngine.Postgres);
        await using var two = await one.SecondNodeAsync();
        var nora = await one.UserAsync("nora", Role.Viewer);
        var key = await BeginAsync(one, nora);
        await Task.Delay(500); // both nodes listen
        var noticed = new TaskCompletionSource();
        two.Get<SessionKeeper>().MayHaveEnded += () => noticed.TrySetResult();
        await one.Get<Users>().UpdateAsync(Caller.System, nora.Id!.Value, new UserChange(Disabled: true), default);
        await noticed.Task.WaitAsync(TimeSpan.FromSeconds(30));
        (await two.Get<SessionKeeper>().FindAsync(key, default)).ShouldBeNull();
    }
}
