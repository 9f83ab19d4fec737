using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;
using Quarterdeck.Web;

namespace Quarterdeck.Tests.Access;

/// <summary>The authorisation matrix: every permission of every room × every role, each against what this file says.</summary>
public sealed class GuardTests
{
    /// <summary>What each role may do, written down by hand: raising or lowering a permission without touching this file fails.</summary>
    private static readonly Dictionary<Role, string[]> Expected = new()
    {
        [Role.Viewer] =
        [
            "me",
            "hosts.read", "vms.read",
            "operations.read",
            "schedules.read",
            "appliances.read", "publishers.read",
            "plugins.read",
            "repositories.read",
            "backups.read",
            "proofs.read",
            "workers.read",
        ],
        [Role.Operator] =
        [
            "tokens.own",
            "vms.power", "vms.manage", "vms.console", "vms.snapshot",
            "schedules.manage",
            "appliances.inspect",
            "plugins.open",
            "repositories.operate",
            "backups.run",
            "restores.files", "restores.run", "proofs.run",
            "workers.logs", "workers.deploy", "queues.use", "buckets.use",
        ],
        [Role.Administrator] =
        [
            "users.read", "users.manage", "tokens.manage", "audit.read",
            "hosts.manage", "vms.host-files",
            "appliances.deploy", "appliances.manage", "publishers.manage",
            "plugins.manage",
            "repositories.manage", "repositories.key",
            "backups.delete", "backups.jobs",
            "workers.manage", "zones.manage", "queues.manage", "buckets.manage",
        ],
    };

    private static PermissionCatalogue Catalogue()
    {
        var folder = Directory.CreateTempSubdirectory("qd-test-").FullName;
        try
        {
            using var app = QuarterdeckApp.Build([$"--QUARTERDECK_DATA={folder}"]);
            return app.Services.GetRequiredService<PermissionCatalogue>();
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    [Fact]
    public void Every_permission_has_the_role_that_is_written_down()
    {
        var actual = Catalogue().All.OrderBy(p => p.Minimum).ThenBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Minimum} {p.Key}");
        actual.ShouldBe(Expected.OrderBy(e => e.Key).SelectMany(e => e.Value.Order(StringComparer.Ordinal).Select(k => $"{e.Key} {k}")));
    }

    [Fact]
    public async Task The_guard_decides_each_permission_for_each_role_by_role_and_scopes_and_audits_each_refusal()
    {
        await using var room = await AccessRoom.OpenAsync(DatabaseEngine.Sqlite);
        var guard = room.Get<Guard>();
        var refusals = 0;
        var all = Expected.SelectMany(e => e.Value.Select(k => (Permission: new Permission(k, e.Key, "does " + k), Least: e.Key))).ToArray();
        foreach (var role in Enum.GetValues<Role>())
        {
            foreach (var (permission, least) in all)
            {
                var allowed = (int)role >= (int)least;
                foreach (var (scopes, narrowed) in ((HashSet<string>?, bool)[])[(null, true), ([permission.Key], true), (["other"], false), ([], false)])
                {
                    var caller = new Caller(CallerKind.Token, Guid.NewGuid(), "t", role, scopes);
                    var problem = await guard.CheckAsync(caller, permission, "thing:1", default);
                    (problem is null).ShouldBe(allowed && narrowed, $"{role} {permission.Key} scopes {string.Join(',', scopes ?? ["–"])}");
                    if (problem is null) continue;
                    problem.Kind.ShouldBe(ProblemKind.Forbidden);
                    refusals++;
                }
            }
        }
        var lines = (await room.Get<AuditTrail>().ListAsync(Caller.System, new AuditQuery(Outcome: AuditOutcome.Refused), new(Size: 1), default)).Value;
        lines.Total.ShouldBe(refusals);
        refusals.ShouldBeGreaterThan(100);
    }

    [Fact]
    public void A_key_that_is_used_twice_is_refused_at_start()
    {
        var twice = new Permission("me", Role.Viewer, "x");
        Should.Throw<InvalidOperationException>(() => new PermissionCatalogue([new("A", [twice]), new("B", [twice])])).Message.ShouldContain("'me'");
    }
}
