using Dapper;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Access;

public sealed class UsersTests
{
    [Theory, DatabaseData]
    public async Task A_user_is_created_found_changed_and_deleted_and_each_step_is_audited(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var users = room.Get<Users>();
        var admin = await room.AdminAsync();
        var created = (await users.CreateAsync(admin, new NewUser("Nora", Role.Viewer, "correct horse battery"), default)).Value;
        created.Password.ShouldBeNull();
        (await users.GetAsync(admin, created.User.Id, default)).Value.ShouldBe(created.User);
        var changed = (await users.UpdateAsync(admin, created.User.Id, new UserChange(Role: Role.Operator, Name: "Nora.B"), default)).Value;
        (changed.Role, changed.Name).ShouldBe((Role.Operator, "Nora.B"));
        (await users.ListAsync(admin, new PageQuery(Search: "NORA"), default)).Value.Items.ShouldHaveSingleItem().ShouldBe(changed);
        (await users.DeleteAsync(admin, changed.Id, default)).Ok.ShouldBeTrue();
        (await users.GetAsync(admin, changed.Id, default)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);
        var lines = await room.AuditAsync(new AuditQuery(Target: $"user:{changed.Id}"));
        lines.Select(l => (l.Action, l.Before, l.After)).ShouldBe([
            ("user.delete", """{"name":"Nora.B","role":"operator","disabled":false}""", null),
            ("user.update", """{"name":"Nora","role":"viewer","disabled":false}""", """{"name":"Nora.B","role":"operator","disabled":false}"""),
            ("user.create", null, """{"name":"Nora","role":"viewer","disabled":false}"""),
        ]);
        lines.ShouldAllBe(l => l.ActorName == "admin" && l.ActorId == admin.Id);
    }

    [Theory, DatabaseData]
    public async Task A_name_is_taken_whatever_its_case(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var nora = await room.UserAsync("nora", Role.Viewer);
        (await room.Get<Users>().CreateAsync(Caller.System, new NewUser("ADMIN", Role.Viewer), default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
        (await room.Get<Users>().UpdateAsync(Caller.System, nora.Id!.Value, new UserChange("Admin"), default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
        (await room.Get<Users>().UpdateAsync(Caller.System, nora.Id!.Value, new UserChange("NORA"), default)).Value.Name.ShouldBe("NORA");
    }

    [Theory, DatabaseData]
    public async Task The_last_administrator_cannot_be_taken_away(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var users = room.Get<Users>();
        var admin = (await room.AdminAsync()).Id!.Value;
        foreach (var change in (UserChange[])[new(Role: Role.Operator), new(Disabled: true)])
            (await users.UpdateAsync(Caller.System, admin, change, default)).Problem!.Title.ShouldBe("This is the last administrator");
        (await users.DeleteAsync(Caller.System, admin, default)).Problem!.Title.ShouldBe("This is the last administrator");
        (await users.UpdateAsync(Caller.System, admin, new UserChange(Password: "another good password"), default)).Ok.ShouldBeTrue();
    }

    [Theory, DatabaseData]
    public async Task Two_administrators_who_demote_each_other_at_once_leave_one(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var users = room.Get<Users>();
        for (var round = 0; round < 10; round++)
        {
            var admins = new List<Guid> { (await room.AdminAsync()).Id!.Value };
            for (var i = 0; i < 3; i++) admins.Add((await room.UserAsync($"a{round}-{i}", Role.Administrator)).Id!.Value);
            var results = await Task.WhenAll(admins.Select(id => Task.Run(() => users.UpdateAsync(Caller.System, id, new UserChange(Role: Role.Viewer), default))));
            results.Count(r => r.Ok).ShouldBe(3);
            var left = (await users.ListAsync(Caller.System, new(Size: 500), default)).Value.Items.Where(u => u.Role == Role.Administrator).ShouldHaveSingleItem();
            var admin = (await room.AdminAsync()).Id!.Value;
            await users.UpdateAsync(Caller.System, admin, new UserChange(Role: Role.Administrator), default);
            if (left.Id != admin) await users.UpdateAsync(Caller.System, left.Id, new UserChange(Role: Role.Viewer), default);
        }
    }

    [Theory, DatabaseData]
    public async Task Nobody_disables_or_deletes_themselves(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        await room.UserAsync("second", Role.Administrator);
        var admin = await room.AdminAsync();
        (await room.Get<Users>().UpdateAsync(admin, admin.Id!.Value, new UserChange(Disabled: true), default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
        (await room.Get<Users>().DeleteAsync(admin, admin.Id!.Value, default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
    }

    [Theory]
    [InlineData("", "password ok 123", "name")]
    [InlineData("-x", "password ok 123", "name")]
    [InlineData("a b", "password ok 123", "name")]
    [InlineData("nora", "short", "password")]
    [InlineData("nora", "aaaaaaaaaaaaaaaa", "password")]
    [InlineData("nora", "I am nora, really", "password")]
    public async Task A_wrong_field_is_named_with_a_remedy(string name, string password, string field)
    {
        await using var room = await AccessRoom.OpenAsync(DatabaseEngine.Sqlite);
        var problem = (await room.Get<Users>().CreateAsync(Caller.System, new NewUser(name, Role.Viewer, password), default)).Problem!;
        var error = problem.Errors.ShouldHaveSingleItem();
        error.Field.ShouldBe(field);
        error.Remedy.ShouldNotBeEmpty();
    }

    [Theory, DatabaseData]
    public async Task Disabling_a_user_ends_sessions_and_refuses_tokens_at_once(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var nora = await room.UserAsync("nora", Role.Operator);
        var key = await room.Get<SessionKeeper>().OpenAsync(nora.Id!.Value, null, null, default);
        var token = (await room.Get<ApiTokens>().CreateAsync(nora, new NewApiToken("t", Role.Operator), default)).Value.Secret;
        (await room.Get<TokenVerifier>().VerifyAsync(token, null, default)).ShouldNotBeNull();
        await room.Get<Users>().UpdateAsync(Caller.System, nora.Id.Value, new UserChange(Disabled: true), default);
        (await room.Get<SessionKeeper>().FindAsync(key, default)).ShouldBeNull();
        (await room.Get<TokenVerifier>().VerifyAsync(token, null, default)).ShouldBeNull();
    }

    [Theory, DatabaseData]
    public async Task A_generated_password_is_stored_nowhere_in_clear(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var created = (await room.Get<Users>().CreateAsync(Caller.System, new NewUser("gen", Role.Viewer), default)).Value;
        created.Password!.Length.ShouldBe(20);
        await using var connection = await room.Db.OpenAsync(default);
        foreach (var table in (string[])["users", "audit", "sessions"])
            foreach (IDictionary<string, object?> row in await connection.QueryAsync($"SELECT * FROM {table}"))
                row.Values.ShouldAllBe(v => v == null || !v.ToString()!.Contains(created.Password));
    }
}
