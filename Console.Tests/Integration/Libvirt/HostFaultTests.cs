using System.Diagnostics;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Hosts;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Libvirt;

/// <summary>What a stopped and a frozen libvirt do to the console: nothing but a word.</summary>
public sealed class HostFaultTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly TimeSpan Noticed = TimeSpan.FromSeconds(20); // 5 s on an idle machine

    [Fact]
    public async Task A_stopped_service_is_noticed_soon_and_regained_by_itself()
    {
        await using var libvirt = await PrivateLibvirt.StartAsync();
        await using var node = await StartAsync(libvirt);
        var host = await node.AddAsync(libvirt.Uri, seconds: 60);
        var other = await node.AddAsync("test:///default");

        var begun = Stopwatch.StartNew();
        await libvirt.StopServiceAsync();
        var down = await node.HostAsync(host.Id, h => h.State == HostState.Disconnected, 30);
        begun.Elapsed.ShouldBeLessThan(Noticed);
        down.Problem.ShouldNotBeNullOrEmpty();
        (await node.Hosts.GetAsync(HostsNode.Admin, other.Id, None)).Value.State.ShouldBe(HostState.Connected);

        await libvirt.StartServiceAsync();
        (await node.HostAsync(host.Id, h => h.State == HostState.Connected, 60)).Problem.ShouldBeNull();
        (await node.Hosts.NetworksAsync(HostsNode.Admin, host.Id, None)).Problem.ShouldBeNull();
    }

    [Fact]
    public async Task A_frozen_service_is_noticed_soon_blocks_nothing_else_and_is_regained_when_it_thaws()
    {
        await using var libvirt = await PrivateLibvirt.StartAsync();
        await using var node = await StartAsync(libvirt);
        var host = await node.AddAsync(libvirt.Uri, seconds: 60);
        var other = await node.AddAsync("test:///default");
        var vm = (await node.Vms.ListAsync(HostsNode.Admin, new VmQuery(other.Id), new PageQuery(), None)).Value.Items.First();

        var begun = Stopwatch.StartNew();
        await libvirt.FreezeAsync();
        // Calls that were on their way when it froze, more than there are threads: none may wait longer than the notice.
        var stuck = Enumerable.Range(0, 20).Select(_ => node.Hosts.PoolsAsync(HostsNode.Admin, host.Id, None)).ToList();
        var slowest = TimeSpan.Zero;
        while ((await node.Hosts.GetAsync(HostsNode.Admin, host.Id, None)).Value.State != HostState.Disconnected)
        {
            begun.Elapsed.ShouldBeLessThan(Noticed);
            var page = Stopwatch.StartNew();
            (await node.Vms.ListAsync(HostsNode.Admin, new VmQuery(), new PageQuery(), None)).Ok.ShouldBeTrue();
            (await node.Vms.SnapshotsAsync(HostsNode.Admin, vm.Id, None)).Ok.ShouldBeTrue(); // asks the other host's hypervisor
            if (page.Elapsed > slowest) slowest = page.Elapsed;
            await Task.Delay(20);
        }
        slowest.ShouldBeLessThan(TimeSpan.FromSeconds(4)) /* less than the frozen host's calls wait */;
        foreach (var call in stuck) (await call.WaitAsync(TimeSpan.FromSeconds(20))).Problem!.Kind.ShouldBe(ProblemKind.Unavailable);
        (await node.HostAsync(host.Id, h => h.Problem!.Contains("does not answer") || h.Problem.Contains("not answered"), 30)).State.ShouldBe(HostState.Disconnected);

        var blocked = CallThreads();
        blocked.ShouldBeLessThan(24, "a frozen service collects threads");
        await Task.Delay(3000); // attempts to reconnect
        CallThreads().ShouldBeLessThanOrEqualTo(blocked + 1);
        await libvirt.ThawAsync();
        await node.HostAsync(host.Id, h => h.State == HostState.Connected, 60);
        (await node.Hosts.PoolsAsync(HostsNode.Admin, host.Id, None)).Problem.ShouldBeNull();
        await HostsNode.UntilAsync(() => Task.FromResult(CallThreads()), threads => threads < blocked, 60); // those that were blocked have ended
    }

    [Fact]
    public async Task A_service_that_is_frozen_when_the_host_is_added_is_taken_when_it_thaws()
    {
        await using var libvirt = await PrivateLibvirt.StartAsync();
        await libvirt.FreezeAsync();
        await using var node = await StartAsync(libvirt);
        var host = (await node.Hosts.AddAsync(HostsNode.Admin, new NewHost("frozen", libvirt.Uri), None)).Value;
        (await node.HostAsync(host.Id, h => h.Problem!.Contains("does not answer"), 60)).State.ShouldBe(HostState.Disconnected);
        await libvirt.ThawAsync();
        await node.HostAsync(host.Id, h => h.State == HostState.Connected, 60);
    }

    private static Task<HostsNode> StartAsync(PrivateLibvirt libvirt) => HostsNode.StartAsync(configure: o => o.SocketRoots.Add(libvirt.SocketFolder));

    // Threads are named after what they do; the kernel keeps 15 letters.
    private static int CallThreads() => Directory.EnumerateDirectories("/proc/self/task").Count(t => File.ReadAllText(Path.Combine(t, "comm")).StartsWith("libvirt-", StringComparison.Ordinal));
}
