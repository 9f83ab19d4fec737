using Dapper;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Access;

public sealed class AuditTests
{
    private static readonly Caller Nora = new(CallerKind.User, Guid.CreateVersion7(), "nora", Role.Operator, RequestId: "r1");

    [Theory, DatabaseData]
    public async Task Secrets_are_never_stored_whatever_they_are_called_or_hide_in(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        await room.Get<AuditLog>().WriteAsync(Nora, "x.do", "x:1", "x", new { Password = "hunter2-1", AccessKey = "hunter2-2", Nested = new[] { new { EnrolmentToken = "hunter2-3" } } },
            new { Uri = "qemu+tls://root:hunter2-4@host/system", Note = "use qd_hunter2hunter2hunter2hunter2 now", Key = "netscan", Pem = "-----BEGIN PRIVATE KEY-----\nhunter2-5", Properties = new Dictionary<string, string> { ["db.password"] = "hunter2-6" } }, default);
        var line = (await room.AuditAsync(new AuditQuery(Action: "x.do"))).ShouldHaveSingleItem();
        (line.Before + line.After).ShouldNotContain("hunter2");
        line.After!.ShouldContain("\"key\":\"netscan\"");
        line.After!.ShouldContain("qemu+tls://root:•••@host/system");
    }

    [Theory, DatabaseData]
    public async Task Lines_cannot_be_changed_or_removed(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        await room.Get<AuditLog>().WriteAsync(Nora, "x.do", "x:1", "x", null, null, default);
        await using var connection = await room.Db.OpenAsync(default);
        foreach (var sql in (string[])["UPDATE audit SET actor_name = 'eve'", "DELETE FROM audit"])
            (await Should.ThrowAsync<System.Data.Common.DbException>(connection.ExecuteAsync(sql))).Message.ShouldContain("append-only");
        (await room.AuditAsync(new AuditQuery(Action: "x.do"))).ShouldHaveSingleItem().ActorName.ShouldBe("nora");
    }

    [Theory, DatabaseData]
    public async Task Filters_narrow_by_who_what_target_outcome_and_time(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var log = room.Get<AuditLog>();
        var start = room.Time.GetUtcNow();
        await log.WriteAsync(Nora, "vm.create", "vm:1", "web_1", null, new { A = 1 }, default);
        room.Time.Forward(TimeSpan.FromHours(1));
        await log.WriteAsync(Nora, "vm.delete", "vm:12", "web%2", new { A = 1 }, null, default);
        room.Time.Forward(TimeSpan.FromHours(1));
        await log.WriteAsync(Caller.System, "vmx.other", "host:1", "kvm", null, null, default);
        await room.Get<Guard>().CheckAsync(Nora, AccessPermissions.ReadAudit, "audit", default);

        async Task<string[]> Find(AuditQuery query, string? search = null) => [.. (await room.Get<AuditTrail>().ListAsync(Caller.System, query, new(Search: search), default)).Value.Items.Select(l => l.Action)];
        (await Find(new AuditQuery(Actor: "NORA"))).ShouldBe(["audit.read", "vm.delete", "vm.create"]);
        (await Find(new AuditQuery(Actor: Nora.Id.ToString(), Outcome: AuditOutcome.Done))).ShouldBe(["vm.delete", "vm.create"]);
        (await Find(new AuditQuery(Action: "vm."))).ShouldBe(["vm.delete", "vm.create"]);
        (await Find(new AuditQuery(Action: "vm.create"))).ShouldBe(["vm.create"]);
        (await Find(new AuditQuery(Target: "vm:1"))).ShouldBe(["vm.create"]);
        (await Find(new AuditQuery(Target: "vm"))).ShouldBe(["vm.delete", "vm.create"]);
        (await Find(new AuditQuery(Action: "vm.", From: start.AddMinutes(30)))).ShouldBe(["vm.delete"]);
        (await Find(new AuditQuery(Action: "vm.", Until: start.AddMinutes(30)))).ShouldBe(["vm.create"]);
        (await Find(new(), "web_")).ShouldBe(["vm.create"]);
        (await Find(new(), "B%2")).ShouldBe(["vm.delete"]);
    }

    [Theory, DatabaseData]
    public async Task Pages_are_cut_and_ordered_in_SQL(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        for (var i = 0; i < 25; i++) await room.Get<AuditLog>().WriteAsync(Nora, "x.do", $"x:{i:00}", null, null, null, default);
        var trail = room.Get<AuditTrail>();
        var page = (await trail.ListAsync(Caller.System, new(Action: "x.do"), new(3, 10), default)).Value;
        (page.Total, page.Items.Count).ShouldBe((25, 5));
        page.Items.Select(l => l.Target).ShouldBe(["x:04", "x:03", "x:02", "x:01", "x:00"]);
        (await trail.ListAsync(Caller.System, new(Action: "x.do"), new(1, 1, "target"), default)).Value.Items[0].Target.ShouldBe("x:00");
        (await trail.ListAsync(Caller.System, new(Action: "x.do"), new(1, 1, "-target"), default)).Value.Items[0].Target.ShouldBe("x:24");
        (await trail.ListAsync(Caller.System, new(), new(1, 1, "1; DROP TABLE audit"), default)).Ok.ShouldBeTrue();
    }

    [Theory, DatabaseData]
    public async Task A_line_written_inside_a_transaction_goes_with_it(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        await Should.ThrowAsync<InvalidDataException>(room.Db.TransactionAsync(async connection =>
        {
            await room.Get<AuditLog>().WriteAsync(connection, Nora, "x.do", "x:1", null, null, null, default);
            throw new InvalidDataException();
        }, default));
        (await room.AuditAsync(new AuditQuery(Action: "x.do"))).ShouldBeEmpty();
    }

    [Fact]
    public async Task Only_administrators_read_it()
    {
        await using var room = await AccessRoom.OpenAsync(DatabaseEngine.Sqlite);
        (await room.Get<AuditTrail>().ListAsync(Nora, new(), new(), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await room.Get<AuditTrail>().GetAsync(Nora, Guid.NewGuid(), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
    }
}
