using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Tests.Hosts;

public sealed class SupervisorTests
{
    private const string One = "qemu+tls://one/system", Two = "qemu+tls://two/system";
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task A_closed_connection_is_noticed_at_once_and_regained_by_itself()
    {
        var driver = new FakeDriver();
        await using var node = await HostsNode.StartAsync(driver: driver);
        var host = await node.AddAsync(One);
        driver.Refusals[One] = "The service is stopped.";
        driver.Hypervisors[One].Close("It went away.");
        (await node.HostAsync(host.Id, h => h.State == HostState.Disconnected, 1)).Problem!.ShouldContain("It went away.");
        node.Connections.Get(host.Id).Problem!.Kind.ShouldBe(ProblemKind.Unavailable);
        await node.HostAsync(host.Id, h => h.Problem!.Contains("The service is stopped."), 5);
        driver.Refusals.Clear();
        (await node.HostAsync(host.Id, h => h.State == HostState.Connected, 15)).Problem.ShouldBeNull();
        node.Connections.Get(host.Id).Ok.ShouldBeTrue();
    }

    [Fact]
    public async Task A_silent_host_is_noticed_within_five_seconds_while_another_goes_on()
    {
        var driver = new FakeDriver();
        await using var node = await HostsNode.StartAsync(driver: driver);
        var (one, two) = (await node.AddAsync(One), await node.AddAsync(Two));
        driver.Hypervisors[One].Hung = true;
        await node.HostAsync(one.Id, h => h.State == HostState.Disconnected, 5);
        (await node.Hosts.GetAsync(HostsNode.Admin, two.Id, None)).Value.State.ShouldBe(HostState.Connected);
        (await node.Hosts.PoolsAsync(HostsNode.Admin, two.Id, None)).Ok.ShouldBeTrue();
        (await node.Hosts.PoolsAsync(HostsNode.Admin, one.Id, None)).Problem!.Kind.ShouldBe(ProblemKind.Unavailable);
        await node.HostAsync(one.Id, h => h.State == HostState.Connected, 15); // the fake's next connection answers
    }

    [Fact]
    public async Task Attempts_to_reach_a_dead_host_become_rarer()
    {
        var driver = new FakeDriver();
        driver.Refusals[One] = "No.";
        await using var node = await HostsNode.StartAsync(driver: driver, configure: o => o.BackOffMilliseconds = 1000);
        var host = (await node.Hosts.AddAsync(HostsNode.Admin, new NewHost("one", One), None)).Value;
        await Task.Delay(4000);
        driver.Attempts.Count.ShouldBeInRange(4, 9);
        var before = driver.Attempts.Count;
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => node.Hosts.ReconnectAsync(HostsNode.Admin, host.Id, None)));
        await HostsNode.UntilAsync(() => Task.FromResult(driver.Attempts.Count), c => c > before, 30);
    }

    [Fact]
    public async Task Domains_that_are_there_already_are_adopted_and_changes_followed_live()
    {
        var driver = new FakeDriver();
        var fake = driver.Hypervisors[One] = new FakeHypervisor();
        var uuid = await fake.DefineAsync($"<domain type='qemu'><name>old</name><uuid>{Guid.NewGuid()}</uuid><memory>65536</memory><vcpu>2</vcpu></domain>", None);
        await using var node = await HostsNode.StartAsync(driver: driver);
        await node.AddAsync(One);
        var vm = await node.VmAsync(uuid, _ => true);
        (vm.Name, vm.State, vm.Vcpus, vm.MemoryMiB, vm.Reachable).ShouldBe(("old", VmState.Off, 2, 64L, true));

        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var seen = FirstAsync(node.Service<EventStream<Vm>>(), b => b.Kind == LiveKind.Change && b.Items.Any(v => v.Id == uuid && v.State == VmState.Running), stop.Token);
        await Task.Delay(100);
        await fake.StartAsync(uuid, None);
        await seen;
        (await node.Vms.GetAsync(HostsNode.Admin, uuid, None)).Value.State.ShouldBe(VmState.Running);

        await fake.DestroyAsync(uuid, None);
        await fake.UndefineAsync(uuid, None);
        await HostsNode.UntilAsync(() => node.Vms.GetAsync(HostsNode.Admin, uuid, None), r => r.Problem?.Kind == ProblemKind.NotFound, 30);
    }

    [Fact]
    public async Task The_same_uuid_on_two_hosts_is_two_vms()
    {
        var driver = new FakeDriver();
        var uuid = Guid.NewGuid();
        foreach (var uri in new[] { One, Two })
            await (driver.Hypervisors[uri] = new FakeHypervisor()).DefineAsync($"<domain type='qemu'><name>twin</name><uuid>{uuid}</uuid><memory>65536</memory><vcpu>1</vcpu></domain>", None);
        await using var node = await HostsNode.StartAsync(driver: driver);
        var (one, two) = (await node.AddAsync(One), await node.AddAsync(Two));
        var all = (await node.Vms.ListAsync(HostsNode.Admin, new VmQuery(), new PageQuery(Search: "twin"), None)).Value.Items;
        all.Select(v => v.HostId).ShouldBe([one.Id, two.Id], ignoreOrder: true);
        all.Select(v => v.Id).Distinct().Count().ShouldBe(2);
        all.ShouldContain(v => v.Id == uuid);
        var second = all.Single(v => v.Id != uuid);
        await node.SucceedAsync(await node.Vms.ActAsync(HostsNode.Admin, second.Id, VmAction.Start, None));
        (await node.Vms.GetAsync(HostsNode.Admin, second.Id, None)).Value.State.ShouldBe(VmState.Running);
        (await node.Vms.GetAsync(HostsNode.Admin, uuid, None)).Value.State.ShouldBe(VmState.Off);
    }

    [Fact]
    public async Task Removing_a_host_forgets_its_vms_and_leaves_it_alone()
    {
        var driver = new FakeDriver();
        var fake = driver.Hypervisors[One] = new FakeHypervisor();
        var uuid = await fake.DefineAsync($"<domain type='qemu'><name>stays</name><uuid>{Guid.NewGuid()}</uuid><memory>65536</memory><vcpu>1</vcpu></domain>", None);
        await using var node = await HostsNode.StartAsync(driver: driver);
        var host = await node.AddAsync(One);
        await node.VmAsync(uuid, _ => true);
        (await node.Hosts.RemoveAsync(HostsNode.Admin, host.Id, None)).Ok.ShouldBeTrue();
        (await node.Vms.GetAsync(HostsNode.Admin, uuid, None)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);
        await HostsNode.UntilAsync(() => Task.FromResult(fake.Closed.IsCompleted), closed => closed, 30);
        (await node.Hosts.GetAsync(HostsNode.Admin, host.Id, None)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);
    }

    [Fact]
    public async Task A_host_in_maintenance_starts_and_creates_nothing()
    {
        var driver = new FakeDriver();
        var fake = driver.Hypervisors[One] = new FakeHypervisor();
        var uuid = await fake.DefineAsync($"<domain type='qemu'><name>m</name><uuid>{Guid.NewGuid()}</uuid><memory>65536</memory><vcpu>1</vcpu></domain>", None);
        await using var node = await HostsNode.StartAsync(driver: driver);
        var host = await node.AddAsync(One);
        await node.VmAsync(uuid, _ => true);
        (await node.Hosts.EditAsync(HostsNode.Admin, host.Id, new HostChange(Maintenance: true), None)).Value.State.ShouldBe(HostState.Maintenance);
        (await node.Vms.ActAsync(HostsNode.Admin, uuid, VmAction.Start, None)).Problem!.Title.ShouldContain("maintenance");
        (await node.Vms.CreateAsync(HostsNode.Admin, new NewVm("x", host.Id, 1, 64), None)).Problem!.Title.ShouldContain("maintenance");
    }

    private static async Task FirstAsync<T>(EventStream<T> events, Func<LiveBatch<T>, bool> wanted, CancellationToken cancellation)
    {
        await foreach (var batch in events.SubscribeAsync(_ => Task.FromResult<IReadOnlyList<T>>([]), cancellation))
            if (wanted(batch)) return;
    }
}
