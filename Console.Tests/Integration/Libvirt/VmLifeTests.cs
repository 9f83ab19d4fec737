using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Hosts;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Libvirt;

/// <summary>The life of VMs on real QEMU, through the services.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class VmLifeTests(SystemLibvirt libvirt)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task A_vm_is_created_started_paused_resumed_stopped_and_deleted_with_its_disks()
    {
        await using var node = await HostsNode.StartAsync();
        var host = await node.AddAsync(SystemLibvirt.Uri);
        var created = await node.SucceedAsync(await node.Vms.CreateAsync(HostsNode.Admin, new NewVm(libvirt.Prefix + "-life", host.Id, 1, 64, [new NewDisk(0.1m), new NewDisk(0.05m, Format: "raw")], Network: "user", Start: true) { Tags = ["Prod"] }, None));
        var id = created.Result!.Value.GetProperty("vmId").GetGuid();

        var vm = await node.VmAsync(id, v => v.State == VmState.Running);
        vm.Disks.Select(d => (d.Target, d.Format, d.SizeBytes)).ShouldBe([("vda", "qcow2", 108003328L), ("vdb", "raw", 54525952L)]);
        vm.Networks.ShouldHaveSingleItem().Network.ShouldBe("user");
        vm.Tags.ShouldBe(["prod"]);
        vm.HasConsole.ShouldBeTrue();
        vm.Disks.ShouldAllBe(d => File.Exists(d.Path));

        await node.SucceedAsync(await node.Vms.ActAsync(HostsNode.Admin, id, VmAction.Pause, None));
        await node.VmAsync(id, v => v.State == VmState.Paused, 2);
        await node.SucceedAsync(await node.Vms.ActAsync(HostsNode.Admin, id, VmAction.Resume, None));
        await node.VmAsync(id, v => v.State == VmState.Running, 2);
        await node.SucceedAsync(await node.Vms.ActAsync(HostsNode.Admin, id, VmAction.Stop, None));
        await node.VmAsync(id, v => v.State == VmState.Off, 2);
        (await node.Vms.ActAsync(HostsNode.Admin, id, VmAction.Pause, None)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);

        await node.SucceedAsync(await node.Vms.DeleteAsync(HostsNode.Admin, id, disks: true, None));
        (await node.Vms.GetAsync(HostsNode.Admin, id, None)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);
        vm.Disks.ShouldAllBe(d => !File.Exists(d.Path));
    }
}
