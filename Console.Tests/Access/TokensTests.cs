using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Access;

public sealed class TokensTests
{
    private static async Task<IssuedToken> IssueAsync(AccessRoom room, Caller caller, Role role = Role.Operator, string[]? scopes = null, DateTimeOffset? expires = null) =>
        (await room.Get<ApiTokens>().CreateAsync(caller, new NewApiToken("t", role, scopes, expires), default)).Value;

    private static ValueTask<Caller?> VerifyAsync(AccessRoom room, string secret) => room.Get<TokenVerifier>().VerifyAsync(secret, null, default);

    [Theory, DatabaseData]
    public async Task A_token_stands_for_its_owner_until_it_is_revoked(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var nora = await room.UserAsync("nora", Role.Operator);
        var issued = await IssueAsync(room, nora);
        issued.Secret.ShouldStartWith("qd_");
        var caller = (await VerifyAsync(room, issued.Secret)).ShouldNotBeNull();
        (caller.Kind, caller.Id, caller.Role, caller.UserId).ShouldBe((CallerKind.Token, issued.Token.Id, Role.Operator, nora.Id));
        (await VerifyAsync(room, issued.Secret)).ShouldNotBeNull();
        (await room.Get<ApiTokens>().RevokeAsync(nora, issued.Token.Id, default)).Ok.ShouldBeTrue();
        (await VerifyAsync(room, issued.Secret)).ShouldBeNull();
        (await room.AuditAsync(new AuditQuery(Target: "token"))).Select(l => l.Action).ShouldBe(["token.revoke", "token.create"]);
    }

    [Theory, DatabaseData]
    public async Task An_expired_token_is_refused(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var issued = await IssueAsync(room, await room.AdminAsync(), expires: room.Time.GetUtcNow().AddMinutes(5));
        (await VerifyAsync(room, issued.Secret)).ShouldNotBeNull();
        room.Time.Forward(TimeSpan.FromMinutes(5));
        (await VerifyAsync(room, issued.Secret)).ShouldBeNull();
    }

    [Theory, DatabaseData]
    public async Task A_scoped_token_may_only_what_its_scopes_name(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var issued = await IssueAsync(room, await room.AdminAsync(), Role.Administrator, ["users.read"]);
        var caller = (await VerifyAsync(room, issued.Secret)).ShouldNotBeNull();
        (await room.Get<Users>().ListAsync(caller, new(), default)).Ok.ShouldBeTrue();
        (await room.Get<AuditTrail>().ListAsync(caller, new(), new(), default)).Problem!.Detail.ShouldContain("scope 'audit.read'");
        (await room.Get<Users>().CreateAsync(caller, new NewUser("x", Role.Viewer), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
    }

    [Theory, DatabaseData]
    public async Task A_token_falls_with_its_owners_role(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var nora = await room.UserAsync("nora", Role.Administrator);
        var issued = await IssueAsync(room, nora, Role.Administrator);
        (await VerifyAsync(room, issued.Secret))!.Role.ShouldBe(Role.Administrator);
        await room.Get<Users>().UpdateAsync(Caller.System, nora.Id!.Value, new UserChange(Role: Role.Viewer), default);
        (await VerifyAsync(room, issued.Secret))!.Role.ShouldBe(Role.Viewer);
    }

    [Theory, DatabaseData]
    public async Task Nothing_makes_a_token_stronger_than_itself(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var tokens = room.Get<ApiTokens>();
        var operatorUser = await room.UserAsync("op", Role.Operator);
        (await tokens.CreateAsync(operatorUser, new NewApiToken("t", Role.Administrator), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        var viewer = await room.UserAsync("view", Role.Viewer);
        (await tokens.CreateAsync(viewer, new NewApiToken("t", Role.Viewer), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);

        var end = room.Time.GetUtcNow().AddHours(1);
        var narrow = (await VerifyAsync(room, (await IssueAsync(room, await room.AdminAsync(), Role.Administrator, ["tokens.own", "audit.read"], end)).Secret))!;
        (await tokens.CreateAsync(narrow, new NewApiToken("t", Role.Administrator, null, end), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await tokens.CreateAsync(narrow, new NewApiToken("t", Role.Administrator, ["users.read"], end), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await tokens.CreateAsync(narrow, new NewApiToken("t", Role.Administrator, ["audit.read"]), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await tokens.CreateAsync(narrow, new NewApiToken("t", Role.Administrator, ["audit.read"], end.AddMinutes(1)), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await tokens.CreateAsync(narrow, new NewApiToken("t", Role.Administrator, ["audit.read"], end), default)).Ok.ShouldBeTrue();
        (await room.AuditAsync(new AuditQuery(Outcome: AuditOutcome.Refused))).Count.ShouldBe(6);
    }

    [Theory, DatabaseData]
    public async Task An_operator_sees_and_revokes_only_own_tokens(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var tokens = room.Get<ApiTokens>();
        var admin = await room.AdminAsync();
        var foreign = await IssueAsync(room, admin, Role.Administrator);
        var op = await room.UserAsync("op", Role.Operator);
        var own = await IssueAsync(room, op);
        (await tokens.ListAsync(op, new(), default)).Value.Items.Select(t => t.Id).ShouldBe([own.Token.Id]);
        (await tokens.ListAsync(admin, new(Sort: "createdAt"), default)).Value.Items.Select(t => t.Id).ShouldBe([foreign.Token.Id, own.Token.Id], ignoreOrder: true);
        (await tokens.RevokeAsync(op, foreign.Token.Id, default)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);
        (await VerifyAsync(room, foreign.Secret)).ShouldNotBeNull();
    }

    [Theory, DatabaseData]
    public async Task The_secret_is_stored_hashed_only(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var issued = await IssueAsync(room, await room.AdminAsync());
        await using var connection = await room.Db.OpenAsync(default);
        var bare = issued.Secret[3..];
        foreach (var table in (string[])["api_tokens", "audit"])
            foreach (IDictionary<string, object?> row in await Dapper.SqlMapper.QueryAsync(connection, $"SELECT * FROM {table}"))
                row.Values.ShouldAllBe(v => v == null || !v.ToString()!.Contains(bare));
    }

    [Theory, DatabaseData]
    public async Task The_last_use_is_written_once_for_many(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var admin = await room.AdminAsync();
        var issued = await IssueAsync(room, admin);
        for (var i = 0; i < 50; i++) await VerifyAsync(room, issued.Secret);
        (await room.Get<ApiTokens>().ListAsync(admin, new(), default)).Value.Items[0].LastUsedAt.ShouldBeNull();
        await room.Get<TokenVerifier>().WriteUsesAsync(default);
        (await room.Get<ApiTokens>().ListAsync(admin, new(), default)).Value.Items[0].LastUsedAt!.Value.ShouldBe(room.Time.GetUtcNow(), TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public async Task A_token_revoked_on_one_node_is_refused_on_the_other()
    {
        await using var one = await AccessRoom.OpenAsync(DatabaseEngine.Postgres);
        await using var two = await one.SecondNodeAsync();
        var admin = await one.AdminAsync();
        var issued = await IssueAsync(one, admin);
        (await VerifyAsync(two, issued.Secret)).ShouldNotBeNull();
        await one.Get<ApiTokens>().RevokeAsync(admin, issued.Token.Id, default);
        for (var i = 0; i < 100 && await VerifyAsync(two, issued.Secret) is not null; i++) await Task.Delay(20);
        (await VerifyAsync(two, issued.Secret)).ShouldBeNull();
    }

    [Fact]
    public async Task The_administrator_token_of_the_settings_may_everything_and_a_near_miss_nothing()
    {
        await using var room = await AccessRoom.OpenAsync(DatabaseEngine.Sqlite);
        (await VerifyAsync(room, AccessRoom.AdminToken))!.Role.ShouldBe(Role.Administrator);
        (await VerifyAsync(room, AccessRoom.AdminToken + "4")).ShouldBeNull();
        (await VerifyAsync(room, AccessRoom.AdminToken[..^1])).ShouldBeNull();
        (await VerifyAsync(room, "")).ShouldBeNull();
    }

    [Theory]
    [InlineData(null, "viewer", null, "name")]
    [InlineData("t", null, null, "role")]
    [InlineData("t", "viewer", "no.such", "scopes[0]")]
    [InlineData("t", "viewer", "users.read", "scopes[0]")]
    [InlineData("t", "administrator", "users.manage", "scopes[0]")]
    public async Task A_wrong_field_is_named(string? name, string? role, string? scope, string field)
    {
        await using var room = await AccessRoom.OpenAsync(DatabaseEngine.Sqlite);
        var request = new NewApiToken(name, role is null ? null : Enum.Parse<Role>(role, true), scope is null ? null : [scope]);
        (await room.Get<ApiTokens>().CreateAsync(await room.AdminAsync(), request, default)).Problem!.Errors.ShouldHaveSingleItem().Field.ShouldBe(field);
    }
}
