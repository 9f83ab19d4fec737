using System.Diagnostics;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Registry;
using Xunit.Abstractions;

namespace Quarterdeck.Tests.Workers;

/// <summary>Ten thousand workers of 1 KB on one console.</summary>
public sealed class ManyWorkersTests(ITestOutputHelper output)
{
    private const int Many = 10_000;

    [Theory, DatabaseData]
    public async Task Ten_thousand_workers_are_listed_by_page_routed_by_the_table_and_followed_when_one_changes(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        await room.DeployAsync("model", WorkersRoom.Hello + "\n// " + new string('x', 1000));
        await FillAsync(room.Db);
        await room.Get<Zones>().PutAsync(WorkersRoom.Admin, "many.example", new NewZone([new("/*", "w09999")]), default);

        var began = Stopwatch.GetTimestamp();
        room.Get<WorkerNews>().AllWorkers();
        await room.SeesAsync(t => t.Workers.Count == Many + 1);
        output.WriteLine($"{engine}: the table of {Many} workers is loaded after {Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms.");
        var table = room.Table.Current;
        table.Match(table.ZoneOf("many.example")!, "/")!.Name.ShouldBe("w09999");
        table.Workers.Values.Select(w => w.Versions.SingleOrDefault()?.Limits).Distinct(ReferenceEqualityComparer.Instance).Count().ShouldBeLessThan(10, "equal limits are one object");

        began = Stopwatch.GetTimestamp();
        var last = (await room.Registry.ListAsync(WorkersRoom.Viewer, new PageQuery(100, 100, "-name"), default)).Value;
        (last.Total, last.Items.Count, last.Items[^1].Name).ShouldBe((Many + 1, 100, "w00001"));
        (await room.Registry.ListAsync(WorkersRoom.Viewer, new PageQuery(1, 50, null, "W0777"), default)).Value.Items.Select(w => w.Name).ShouldBe(Enumerable.Range(7770, 10).Select(i => $"w0{i}"));
        output.WriteLine($"{engine}: two pages are listed after {Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms.");

        began = Stopwatch.GetTimestamp();
        await room.DeployAsync("w05000");
        output.WriteLine($"{engine}: one more deployment is routed after {Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms.");
        room.Table.Current.ByName("w05000")!.Versions.Single().Key.Version.ShouldBe(2);
        room.Table.Current.Workers.Count.ShouldBe(Many + 1);
    }

    // As uploads write them, by a statement a table: what is tried is reading them.
    internal static Task FillAsync(Db db) => db.TransactionAsync(async connection =>
    {
        const string numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)";
        const string padded = "substr('000000000000', 1, 12 - length(CAST(i AS TEXT))) || CAST(i AS TEXT)";
        await connection.ExecuteAsync($"""
            {numbers} INSERT INTO workers (id, name, trusted, tier, latest_version, deployment, created_by, created_at, changed_at)
            SELECT '00000000-0000-7000-8000-' || {padded}, 'w' || substr({padded}, 8), TRUE, 'shared', 1, 1, 'test', 1, 1 FROM n
            """);
        await connection.ExecuteAsync("""
            INSERT INTO worker_versions (serial, version, digest, trusted, main_module, compatibility_date, compatibility_flags, limits, bindings, triggers, message, created_by, created_at)
            SELECT w.serial, 1, v.digest, TRUE, v.main_module, v.compatibility_date, v.compatibility_flags, v.limits, v.bindings, v.triggers, '', 'test', 1 FROM workers w, worker_versions v WHERE w.created_by = 'test'
            """);
        await connection.ExecuteAsync("INSERT INTO worker_modules (serial, version, name, kind, bytes, digest) SELECT w.serial, 1, m.name, m.kind, m.bytes, m.digest FROM workers w, worker_modules m WHERE w.created_by = 'test'");
        await connection.ExecuteAsync("INSERT INTO worker_deployments (serial, number, reason, automatic, created_by, created_at) SELECT serial, 1, '', FALSE, 'test', 1 FROM workers WHERE created_by = 'test'");
        await connection.ExecuteAsync("INSERT INTO worker_shares (serial, number, version, percent) SELECT serial, 1, 1, 100 FROM workers WHERE created_by = 'test'");
    }, default);
}
