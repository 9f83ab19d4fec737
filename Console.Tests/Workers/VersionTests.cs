using System.Text;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Tests.Workers;

/// <summary>Versions and deployments, on both engines.</summary>
public sealed class VersionTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory, DatabaseData]
    public async Task An_upload_makes_a_version_that_the_table_routes_to_and_whose_code_comes_back_intact(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        var metadata = new WorkerMetadata
        {
            MainModule = "index.js", CompatibilityDate = "2026-01-01", CompatibilityFlags = ["nodejs_compat"], Limits = new WantedLimits(CpuMs: 200), Message = "first",
            Bindings = WorkersRoom.Bindings(new { GREETING = "ahoy – ☸", KEY = new { type = "secret", value = "s3cr3t" }, LIST = new[] { 1, 2 }, CACHE = new { type = "kv", @namespace = "cache" } }),
        };
        var outcome = (await room.Registry.UploadAsync(WorkersRoom.Admin, "shop", WorkersRoom.Upload(WorkersRoom.Hello, metadata, ("lib/a.js", "export const a = 1"), ("data.json", "{\"a\":1}")), true, None)).Value;
        (outcome.Version, outcome.Deployed, outcome.StartupMs).ShouldBe((1, true, 3));

        var deployed = room.Table.Current.ByName("shop")!;
        deployed.Versions.Select(v => (v.KeyText, v.Percent, v.Limits.CpuMs)).ShouldBe([($"{deployed.Serial}@1", 100, 200)]);
        var code = (await room.Get<WorkerCodeStore>().LoadAsync(new WorkerKey(deployed.Serial, 1), None))!;
        code.IsIntact().ShouldBeTrue();
        (code with { Modules = [code.Modules[0] with { Content = "other"u8.ToArray() }, .. code.Modules.Skip(1)] }).IsIntact().ShouldBeFalse();
        code.Modules.Select(m => (m.Name, m.Kind)).ShouldBe([("index.js", ModuleKind.EsModule), ("data.json", ModuleKind.Json), ("lib/a.js", ModuleKind.EsModule)]);
        code.Bindings.Single(b => b.Name == "KEY").Value.GetString().ShouldBe("s3cr3t");
        code.Bindings.Single(b => b.Name == "GREETING").Value.GetString().ShouldBe("ahoy – ☸");

        var version = (await room.Get<WorkerVersions>().GetAsync(WorkersRoom.Viewer, "shop", 1, None)).Value;
        System.Text.Json.JsonSerializer.Serialize(version).ShouldNotContain("s3cr3t");
        (version.CreatedBy, version.Message, version.CompatibilityDate).ShouldBe(("ada", "first", "2026-01-01"));
        await using var connection = await room.Db.OpenAsync(None);
        var command = connection.CreateCommand();
        command.CommandText = "SELECT bindings || coalesce(secrets, '') FROM worker_versions";
        ((string)(await command.ExecuteScalarAsync())!).ShouldNotContain("s3cr3t");
        var audit = (await room.Get<AuditTrail>().ListAsync(Caller.System, new AuditQuery(Target: "worker:shop"), new(Size: 100), None)).Value;
        audit.Items.Select(a => a.Action).ShouldBe(["worker.deploy", "worker.version"], ignoreOrder: true);
        audit.Items.ShouldAllBe(a => a.After == null || !a.After.Contains("s3cr3t"));
    }

    [Theory, DatabaseData]
    public async Task A_refused_start_makes_neither_a_version_nor_a_worker(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        room.Check.Refusal = Problem.Invalid("modules[index.js]", "Line 1: Unexpected token.", "Correct it.");
        (await room.Registry.UploadAsync(WorkersRoom.Admin, "broken", WorkersRoom.Upload("export default {"), true, None)).Problem!.Errors.Single().Field.ShouldBe("modules[index.js]");
        (await room.Registry.GetAsync(WorkersRoom.Admin, "broken", None)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);

        room.Check.Refusal = null;
        await room.DeployAsync("broken");
        room.Check.Refusal = Problem.Invalid("healthPath", "It answered 500.", "Correct it.");
        (await room.Registry.UploadAsync(WorkersRoom.Admin, "broken", WorkersRoom.Upload("export default { fetch() { throw 1 } }"), true, None)).Ok.ShouldBeFalse();
        (await room.Registry.GetAsync(WorkersRoom.Admin, "broken", None)).Value.LatestVersion.ShouldBe(1);
    }

    [Theory, DatabaseData]
    public async Task Traffic_is_split_rolled_back_and_never_moved_by_an_upload_that_asked_not_to(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        await room.DeployAsync("shop");
        (await room.Registry.UploadAsync(WorkersRoom.Admin, "shop", WorkersRoom.Upload("export default { fetch() { return new Response('two') } }"), false, None)).Value.Deployed.ShouldBeFalse();
        Shares().ShouldBe([(1, 100)]);

        var deployments = room.Get<WorkerDeployments>();
        var split = (await deployments.DeployAsync(WorkersRoom.Admin, "shop", new NewDeployment([new(2, 10), new(1, 90)], new StickyRule(StickyKind.Cookie, "side"), "try it"), None)).Value;
        (split.Number, split.Reason, split.Automatic).ShouldBe((2, "try it", false));
        Shares().ShouldBe([(1, 90), (2, 10)]);
        room.Table.Current.ByName("shop")!.Sticky.ShouldBe(new StickyRule(StickyKind.Cookie, "side"));

        await deployments.DeployAsync(WorkersRoom.Admin, "shop", new NewDeployment([new(2, 100)]), None);
        var back = (await deployments.RollBackAsync(WorkersRoom.Operator, "shop", None)).Value;
        back.Versions.ShouldBe([new(1, 90), new(2, 10)]);
        Shares().ShouldBe([(1, 90), (2, 10)]);
        room.Table.Current.ByName("shop")!.Tier.ShouldBe(WorkerTier.Shared, "an operator who only goes back to trusted versions must not cordon the worker");
        (await deployments.ListAsync(WorkersRoom.Viewer, "shop", new PageQuery(), None)).Value.Items.Select(d => d.Number).ShouldBe([4, 3, 2, 1]);

        (int, int)[] Shares() => [.. room.Table.Current.ByName("shop")!.Versions.Select(v => (v.Key.Version, v.Percent))];
    }

    [Theory, DatabaseData]
    public async Task A_wrong_deployment_is_refused_by_field(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        await room.DeployAsync("shop");
        await room.DeployAsync("shop");
        await RefusedAsync("versions", new(1, 60), new(2, 50));
        await RefusedAsync("versions");
        await RefusedAsync("versions", new(1, 40), new(2, 40), new(3, 20));
        await RefusedAsync("versions[1].version", new(1, 50), new(1, 50));
        await RefusedAsync("versions[0].percent", new(1, -10), new(2, 110));
        await RefusedAsync("versions[0].version", new VersionShare(7, 100));
        room.Table.Current.ByName("shop")!.Deployment.ShouldBe(2);

        async Task RefusedAsync(string field, params VersionShare[] shares)
        {
            var problem = (await room.Get<WorkerDeployments>().DeployAsync(WorkersRoom.Admin, "shop", new NewDeployment(shares), None)).Problem!;
            problem.Kind.ShouldBe(ProblemKind.Invalid);
            problem.Errors.ShouldContain(e => e.Field == field && e.Remedy.Length > 0, problem.Detail);
        }
    }

    [Theory, DatabaseData]
    public async Task Too_many_failures_take_a_deployment_back_once(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        await room.DeployAsync("shop");
        await room.DeployAsync("shop");
        await room.Registry.ChangeAsync(WorkersRoom.Operator, "shop", new WorkerSettings(new RollbackRule(20, 60, 10)), None);
        await room.SeesAsync(t => t.ByName("shop")!.Rollback is not null);
        var serial = room.Table.Current.ByName("shop")!.Serial;
        var watch = ActivatorUtilities();

        room.Errors.Seen[new(serial, 2)] = new(9, 9);
        await watch.LookAsync(None);
        room.Errors.Seen[new(serial, 2)] = new(100, 19);
        await watch.LookAsync(None);
        room.Table.Current.ByName("shop")!.Deployment.ShouldBe(2);

        room.Errors.Seen[new(serial, 2)] = new(100, 20);
        await watch.LookAsync(None);
        var now = (await room.Registry.GetAsync(WorkersRoom.Viewer, "shop", None)).Value.Deployment!;
        (now.Number, now.Automatic, now.Versions.Single().Version).ShouldBe((3, true, 1));
        now.Reason.ShouldContain("20 of 100");

        room.Errors.Seen[new(serial, 1)] = new(100, 100);
        await watch.LookAsync(None);
        (await room.Registry.GetAsync(WorkersRoom.Viewer, "shop", None)).Value.Deployment!.Number.ShouldBe(3, "what the rule made stays");

        RollbackWatch ActivatorUtilities() => Microsoft.Extensions.DependencyInjection.ActivatorUtilities.CreateInstance<RollbackWatch>(room.Get<IServiceProvider>());
    }

    [Theory, DatabaseData]
    public async Task Who_is_not_trusted_starts_in_a_cordon_and_an_administrator_lets_them_out(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        await room.DeployAsync("guest", caller: WorkersRoom.Operator);
        var worker = (await room.Registry.GetAsync(WorkersRoom.Viewer, "guest", None)).Value;
        (worker.Trusted, worker.Tier).ShouldBe((false, WorkerTier.Cordon));
        worker.TierReason!.ShouldContain("olga");
        room.Table.Current.ByName("guest")!.Tier.ShouldBe(WorkerTier.Cordon);

        (await room.Registry.TrustAsync(WorkersRoom.Operator, "guest", true, None)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await room.Registry.TrustAsync(WorkersRoom.Admin, "guest", true, None)).Value.Tier.ShouldBe(WorkerTier.Shared);
        await room.SeesAsync(t => t.ByName("guest")!.Tier is WorkerTier.Shared);

        await room.DeployAsync("guest", "export default { fetch() { return new Response('new') } }", WorkersRoom.Operator);
        room.Table.Current.ByName("guest")!.Tier.ShouldBe(WorkerTier.Cordon, "new code of theirs was not looked at");

        // What strikes brought about is not undone by trust.
        await room.Get<WorkerStore>().SetTierAsync(worker.Serial, WorkerTier.Cordon, TierCause.Strikes, "loops", null, _ => Task.CompletedTask, None);
        (await room.Registry.TrustAsync(WorkersRoom.Admin, "guest", true, None)).Value.Tier.ShouldBe(WorkerTier.Cordon);
    }

    [Theory, DatabaseData]
    public async Task A_revision_keeps_code_and_secrets_and_changes_what_was_asked(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        var metadata = new WorkerMetadata { Bindings = WorkersRoom.Bindings(new { KEY = new { type = "secret", value = "s3cr3t" }, MODE = "a" }) };
        await room.Registry.UploadAsync(WorkersRoom.Admin, "shop", WorkersRoom.Upload(WorkersRoom.Hello, metadata), true, None);
        var revision = new WorkerRevision(Bindings: WorkersRoom.Bindings(new { KEY = new { type = "secret" }, MODE = "b" }), Limits: new WantedLimits(CpuMs: 77));
        (await room.Registry.ReviseAsync(WorkersRoom.Admin, "shop", revision, true, None)).Value.Version.ShouldBe(2);

        var serial = room.Table.Current.ByName("shop")!.Serial;
        var code = (await room.Get<WorkerCodeStore>().LoadAsync(new WorkerKey(serial, 2), None))!;
        Encoding.UTF8.GetString(code.Modules.Single().Content.Span).ShouldBe(WorkersRoom.Hello);
        code.Bindings.Select(b => b.Value.GetString()).ShouldBe(["s3cr3t", "b"], ignoreOrder: true);
        var diff = (await room.Get<WorkerVersions>().DiffAsync(WorkersRoom.Viewer, "shop", 1, 2, None)).Value;
        diff.Modules.ShouldBeEmpty();
        diff.Settings.Select(s => s.Name).ShouldBe(["limits.cpuMs", "bindings.MODE"]);
        (await room.Registry.ReviseAsync(WorkersRoom.Admin, "shop", new WorkerRevision(Bindings: WorkersRoom.Bindings(new { OTHER = new { type = "secret" } })), true, None))
            .Problem!.Errors.Single().Field.ShouldBe("bindings.OTHER.value");
    }

    [Theory, DatabaseData]
    public async Task Equal_modules_are_stored_once_and_go_with_the_last_version_that_has_them(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        await room.DeployAsync("one");
        await room.DeployAsync("two");
        (await BlobsAsync()).ShouldBe(1);
        (await room.Registry.DeleteAsync(WorkersRoom.Operator, "one", None)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        await room.Registry.DeleteAsync(WorkersRoom.Admin, "one", None);
        room.Table.Current.ByName("one").ShouldBeNull();
        await AgeAsync();
        (await room.Get<BlobStore>().SweepAsync(None)).ShouldBe(0);
        await room.Registry.DeleteAsync(WorkersRoom.Admin, "two", None);
        (await room.Get<BlobStore>().SweepAsync(None)).ShouldBe(1);
        var serial = (await room.DeployAsync("one")).Version;
        serial.ShouldBe(1);
        room.Table.Current.ByName("one")!.Serial.ShouldBe(3, "a number is never used twice");

        async Task<long> BlobsAsync() => Convert.ToInt64(await ScalarAsync("SELECT COUNT(*) FROM worker_blobs"));
        Task AgeAsync() => ScalarAsync("UPDATE worker_blobs SET touched_at = 0");
        async Task<object?> ScalarAsync(string sql)
        {
            await using var connection = await room.Db.OpenAsync(None);
            var command = connection.CreateCommand();
            command.CommandText = sql;
            return await command.ExecuteScalarAsync();
        }
    }

    [Theory, DatabaseData]
    public async Task Old_versions_go_but_those_that_answer_or_did_lately_stay(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        for (var i = 1; i <= 5; i++) await room.Registry.UploadAsync(WorkersRoom.Admin, "shop", WorkersRoom.Upload($"export default {{ fetch() {{ return new Response('{i}') }} }}"), i == 2, None);
        var serial = room.Table.Current.ByName("shop")!.Serial;
        (await room.Get<VersionStore>().PruneAsync(serial, 2, None)).ShouldBe(2);
        (await room.Get<WorkerVersions>().ListAsync(WorkersRoom.Viewer, "shop", new PageQuery(), None)).Value.Items.Select(v => v.Version).ShouldBe([5, 4, 2]);
        (await room.Get<WorkerDeployments>().DeployAsync(WorkersRoom.Admin, "shop", new NewDeployment([new(1, 100)]), None)).Problem!.Errors.Single().Field.ShouldBe("versions[0].version");
        (await room.Registry.UploadAsync(WorkersRoom.Admin, "shop", WorkersRoom.Upload(WorkersRoom.Hello), true, None)).Value.Version.ShouldBe(6, "a number is never used twice");
    }

    [Fact]
    public async Task Another_node_routes_to_what_was_deployed_on_the_first()
    {
        await using var first = await WorkersRoom.OpenAsync(DatabaseEngine.Postgres);
        await using var second = await first.SecondNodeAsync();
        for (var version = 1; version <= 3; version++)
        {
            await first.DeployAsync("shop", $"export default {{ fetch() {{ return new Response('{version}') }} }}");
            var expected = version;
            await second.SeesAsync(t => t.ByName("shop")?.Versions is [{ Percent: 100 } only] && only.Key.Version == expected);
        }
        await first.Get<Zones>().PutAsync(WorkersRoom.Admin, "shop.example", new NewZone([new("/*", "shop")]), None);
        await second.SeesAsync(t => t.ZoneOf("shop.example") is { } zone && t.Match(zone, "/x")?.Name == "shop");
        await second.Get<Zones>().DeleteAsync(WorkersRoom.Admin, "shop.example", None);
        await first.SeesAsync(t => t.ZoneOf("shop.example") is null);
    }
}
