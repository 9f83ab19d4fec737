using System.Diagnostics;
using System.Text;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;
using Xunit.Abstractions;

namespace Quarterdeck.Tests.Hosts;

/// <summary>Ten thousand VMs from libvirt's mock driver.</summary>
public sealed class ManyVmsTests(ITestOutputHelper output)
{
    private const int Count = 10_000;
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Ten_thousand_are_read_once_quickly_and_one_change_writes_one_row()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        Directory.CreateDirectory(database.Options.ImageRoots[0]);
        var file = Path.Combine(database.Options.ImageRoots[0], "farm.xml");
        File.WriteAllText(file, Farm());
        await using var node = await HostsNode.StartAsync(database);
        var clock = Stopwatch.StartNew();
        var host = await node.AddAsync("test://" + file, seconds: 120);
        output.WriteLine($"connected and mirrored {Count} VMs in {clock.Elapsed.TotalSeconds:0.0} s");
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(90)); // about 5 s on an idle machine

        clock.Restart();
        var page = (await node.Vms.ListAsync(HostsNode.Admin, new VmQuery(State: VmState.Running), new PageQuery(Search: "farm-0999"), None)).Value;
        output.WriteLine($"page by search in {clock.Elapsed.TotalMilliseconds:0.0} ms");
        page.Total.ShouldBe(10);
        (await node.Vms.CountAsync(HostsNode.Admin, new VmQuery(host.Id), None)).Value.Total.ShouldBe(Count);

        var vm = page.Items[0];
        await using var connection = await database.Db.OpenAsync(None);
        await connection.ExecuteAsync("CREATE TABLE writes (id TEXT); CREATE TRIGGER count_writes AFTER UPDATE ON vms BEGIN INSERT INTO writes VALUES (new.id); END");
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var batches = new List<int>();
        var seen = Task.Run(async () =>
        {
            await foreach (var batch in node.Service<EventStream<Vm>>().SubscribeAsync(_ => Task.FromResult<IReadOnlyList<Vm>>([]), stop.Token))
            {
                if (batch.Kind == LiveKind.Change) batches.Add(batch.Items.Count);
                if (batch.Items.Any(v => v.Id == vm.Id && v.State == VmState.Paused)) return;
            }
        });
        await Task.Delay(200);
        clock.Restart();
        var hypervisor = node.Connections.Get(host.Id).Value;
        await hypervisor.PauseAsync(vm.Id, None);
        await seen;
        output.WriteLine($"a change is seen after {clock.Elapsed.TotalMilliseconds:0} ms");
        batches.ShouldBe([1]);
        (await connection.QueryAsync<string>("SELECT id FROM writes")).ShouldBe([vm.Id.ToString()]);
    }

    private static string Farm()
    {
        var xml = new StringBuilder("<node>");
        for (var i = 0; i < Count; i++)
            xml.Append($"<domain type='test'><name>farm-{i:00000}</name><uuid>{new Guid(i + 1, 7, 7, [1, 2, 3, 4, 5, 6, 7, 8])}</uuid><memory>1048576</memory><vcpu>2</vcpu><os><type>hvm</type></os>")
                .Append($"<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/farm/{i}.qcow2'/><target dev='vda' bus='virtio'/></disk></devices></domain>");
        return xml.Append("</node>").ToString();
    }
}
