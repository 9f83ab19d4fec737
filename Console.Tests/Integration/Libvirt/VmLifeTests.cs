using System.Text;
using Quarterdeck.Access;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
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

    [Theory]
    [InlineData("-leading dash & <tag> \"quotes\" 'single' `cmd` $(x)")]
    [InlineData("🚀 日本語 ünïcödé,comma=equals")]
    [InlineData("..hidden")]
    public async Task Awkward_names_make_real_vms(string name)
    {
        await using var node = await HostsNode.StartAsync();
        var host = await node.AddAsync(SystemLibvirt.Uri);
        var full = name + libvirt.Prefix;
        var id = await CreateAsync(node, new NewVm(full, host.Id, 1, 32, [new NewDisk(0.01m)], Start: true));
        (await node.VmAsync(id, v => v.State == VmState.Running)).Name.ShouldBe(full);
        await DeleteAsync(node, id);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("../../etc/passwd")]
    [InlineData("line\nbreak")]
    [InlineData("nul\0")]
    [InlineData(" blank")]
    [InlineData("..")]
    [InlineData("")]
    public async Task Names_that_libvirt_cannot_have_are_refused_with_the_field(string name)
    {
        await using var node = await HostsNode.StartAsync();
        var host = await node.AddAsync("test:///default");
        var problem = (await node.Vms.CreateAsync(HostsNode.Admin, new NewVm(name, host.Id, 1, 32), None)).Problem.ShouldNotBeNull();
        problem.Errors.ShouldHaveSingleItem().Field.ShouldBe("name");
        problem = (await node.Vms.CreateAsync(HostsNode.Admin, new NewVm(new string('é', 101), host.Id, 1, 32), None)).Problem.ShouldNotBeNull();
        problem.Errors.ShouldHaveSingleItem().Message.ShouldContain("202 bytes");
        (await node.Vms.CreateAsync(HostsNode.Admin, new NewVm("half a pair \ud800", host.Id, 1, 32), None)).Problem!.Errors.ShouldHaveSingleItem().Field.ShouldBe("name");
    }

    [Fact]
    public async Task A_disk_of_two_tebibytes_is_sparse_and_one_of_nothing_is_refused()
    {
        await using var node = await HostsNode.StartAsync();
        var host = await node.AddAsync(SystemLibvirt.Uri);
        foreach (var size in new[] { 0m, -1m, 65537m })
            (await node.Vms.CreateAsync(HostsNode.Admin, new NewVm(libvirt.Prefix, host.Id, 1, 32, [new NewDisk(size)]), None)).Problem!.Errors.ShouldHaveSingleItem().Field.ShouldBe("disks[0].sizeGiB");
        var id = await CreateAsync(node, new NewVm(libvirt.Prefix + "-huge", host.Id, 1, 32, [new NewDisk(2048)]));
        var disk = (await node.VmAsync(id, _ => true)).Disks.ShouldHaveSingleItem();
        disk.SizeBytes.ShouldBe(2048L << 30);
        new FileInfo(disk.Path!).Length.ShouldBeLessThan(4 << 20);
        await DeleteAsync(node, id);
    }

    [Fact]
    public async Task A_full_pool_is_a_clear_problem_and_leaves_nothing_behind()
    {
        var folder = Directory.CreateTempSubdirectory("qd-pool-").FullName;
        await SystemLibvirt.RunAsync("mount", "-t", "tmpfs", "-o", "size=1m,mode=0711", "none", folder);
        var pool = libvirt.Prefix + "pool";
        try
        {
            await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "pool-create-as", pool, "dir", "--target", folder);
            await using var node = await HostsNode.StartAsync();
            var host = await node.AddAsync(SystemLibvirt.Uri);
            File.WriteAllBytes(Path.Combine(folder, "ballast"), new byte[700 << 10]);
            var failed = await node.EndAsync(await node.Vms.CreateAsync(HostsNode.Admin, new NewVm(libvirt.Prefix + "-full", host.Id, 1, 32, [new NewDisk(1, Pool: pool), new NewDisk(1, Pool: pool)]), None));
            failed.State.ShouldBe(OperationState.Failed);
            failed.Problem!.Title.ShouldBe("No room on the host");
            Directory.GetFiles(folder).ShouldHaveSingleItem().ShouldEndWith("ballast");
            (await node.Vms.ListAsync(HostsNode.Admin, new VmQuery(), new PageQuery(Search: libvirt.Prefix + "-full"), None)).Value.Total.ShouldBe(0);
        }
        finally
        {
            await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "pool-destroy", pool);
            await SystemLibvirt.RunAsync("umount", folder);
            Directory.Delete(folder);
        }
    }

    [Fact]
    public async Task Deleting_with_disks_keeps_what_another_vm_uses_and_what_no_pool_holds_and_says_so()
    {
        var images = Directory.CreateTempSubdirectory("qd-img-").FullName;
        try
        {
            await using var node = await HostsNode.StartAsync(imageRoots: [images, "/var/lib/libvirt/images"]);
            var host = await node.AddAsync(SystemLibvirt.Uri);
            var outside = Path.Combine(images, "outside.qcow2");
            await SystemLibvirt.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", outside, "8M");
            var id = await CreateAsync(node, new NewVm(libvirt.Prefix + "-keep", host.Id, 1, 32, [new NewDisk(0.01m), new NewDisk(SourcePath: outside, Format: "qcow2")]));
            var own = (await node.VmAsync(id, _ => true)).Disks[0].Path!;
            // Used by a second VM, which an administrator defined behind the console's back.
            var xml = $"<domain type='qemu'><name>{libvirt.Prefix}-second</name><memory>32768</memory><os><type>hvm</type></os><devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{own}'/><target dev='vda' bus='virtio'/></disk></devices></domain>";
            var hypervisor = node.Connections.Get(host.Id).Value;
            var second = await hypervisor.DefineAsync(xml, None);
            await node.Connections.RefreshAsync(host.Id, second, None);
            (await node.Vms.CreateAsync(HostsNode.Admin, new NewVm("x", host.Id, 1, 32, [new NewDisk(SourcePath: outside, Format: "qcow2")]), None)).Problem!.Detail.ShouldContain("is a disk of");

            var ended = await node.EndAsync(await node.Vms.DeleteAsync(HostsNode.Admin, id, disks: true, None));
            ended.State.ShouldBe(OperationState.Warning);
            File.Exists(own).ShouldBeTrue();
            File.Exists(outside).ShouldBeTrue();
            ended.Result!.Value.GetProperty("disksKept").GetArrayLength().ShouldBe(2);
            await hypervisor.UndefineAsync(second, None);
            await hypervisor.DeleteVolumeAsync(own, None);
        }
        finally
        {
            Directory.Delete(images, recursive: true);
        }
    }

    [Fact]
    public async Task Snapshots_are_taken_reverted_to_and_deleted()
    {
        await using var node = await HostsNode.StartAsync();
        var host = await node.AddAsync(SystemLibvirt.Uri);
        var id = await CreateAsync(node, new NewVm(libvirt.Prefix + "-snap", host.Id, 1, 32, [new NewDisk(0.01m)], Start: true));
        foreach (var bad in new[] { "1", "-x", "quo\"te", "back\\slash", "a/b", "line\nbreak", " blank", "a,b", "$(x)", new string('x', 101) })
            (await node.Vms.TakeSnapshotAsync(HostsNode.Admin, id, new NewSnapshot(bad), None)).Problem.ShouldNotBeNull(bad).Errors.ShouldHaveSingleItem().Field.ShouldBe("name");
        await node.SucceedAsync(await node.Vms.TakeSnapshotAsync(HostsNode.Admin, id, new NewSnapshot("Vor dem Übel (1): a+b@c#d", "why"), None));
        await node.SucceedAsync(await node.Vms.ActAsync(HostsNode.Admin, id, VmAction.Stop, None));
        var snapshot = (await node.Vms.SnapshotsAsync(HostsNode.Admin, id, None)).Value.ShouldHaveSingleItem();
        (snapshot.Name, snapshot.Description, snapshot.State, snapshot.Current).ShouldBe(("Vor dem Übel (1): a+b@c#d", "why", VmState.Running, true));
        (await node.EndAsync(await node.Vms.TakeSnapshotAsync(HostsNode.Admin, id, new NewSnapshot(snapshot.Name), None))).Problem!.Title.ShouldBe("The name is taken");
        await node.SucceedAsync(await node.Vms.RevertAsync(HostsNode.Admin, id, snapshot.Name, None));
        await node.VmAsync(id, v => v.State == VmState.Running, 5);
        await node.SucceedAsync(await node.Vms.DeleteSnapshotAsync(HostsNode.Admin, id, snapshot.Name, None));
        (await node.Vms.SnapshotsAsync(HostsNode.Admin, id, None)).Value.ShouldBeEmpty();
        (await node.Vms.RevertAsync(HostsNode.Admin, id, "none", None)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);
        await DeleteAsync(node, id);
    }

    [Fact]
    public async Task Edits_hold_at_once_where_they_can_and_say_what_waits_for_the_next_start()
    {
        await using var node = await HostsNode.StartAsync();
        var host = await node.AddAsync(SystemLibvirt.Uri);
        var id = await CreateAsync(node, new NewVm(libvirt.Prefix + "-edit", host.Id, 1, 64, [new NewDisk(0.01m)]));
        var edited = (await node.Vms.EditAsync(HostsNode.Admin, id, new VmChange(libvirt.Prefix + "-renamed", 2, 96, true, [BootDevice.Network, BootDevice.Disk], ["b", "A"]), None)).Value;
        edited.AtNextStart.ShouldBeEmpty();
        (edited.Vm.Name, edited.Vm.Vcpus, edited.Vm.MemoryMiB, edited.Vm.Autostart).ShouldBe((libvirt.Prefix + "-renamed", 2, 96L, true));
        edited.Vm.BootOrder.ShouldBe([BootDevice.Network, BootDevice.Disk]);
        edited.Vm.Tags.ShouldBe(["a", "b"]);
        await node.SucceedAsync(await node.Vms.ActAsync(HostsNode.Admin, id, VmAction.Start, None));
        edited = (await node.Vms.EditAsync(HostsNode.Admin, id, new VmChange(Vcpus: 4, BootOrder: [BootDevice.Disk]), None)).Value;
        edited.AtNextStart.ShouldBe(["vcpus", "bootOrder"]);
        (await node.Vms.EditAsync(HostsNode.Admin, id, new VmChange("other" + libvirt.Prefix), None)).Problem!.Title.ShouldBe("The VM is running");
        (await node.Vms.EditAsync(HostsNode.Admin, id, new VmChange(Vcpus: 0, MemoryMiB: 1), None)).Problem!.Errors.Select(e => e.Field).ShouldBe(["vcpus", "memoryMiB"]);
        await node.SucceedAsync(await node.Vms.ActAsync(HostsNode.Admin, id, VmAction.Stop, None));
        await node.VmAsync(id, v => v.Vcpus == 4, 5);
        await DeleteAsync(node, id);
    }

    [Fact]
    public async Task The_screen_speaks_rfb_is_pictured_and_the_use_is_sampled()
    {
        await using var node = await HostsNode.StartAsync(configure: o => o.SampleSeconds = 1);
        var host = await node.AddAsync(SystemLibvirt.Uri);
        var id = await CreateAsync(node, new NewVm(libvirt.Prefix + "-screen", host.Id, 1, 64, [new NewDisk(0.01m)], Network: "user"));
        (await node.Vms.OpenConsoleAsync(HostsNode.Admin, id, None)).Problem!.Title.ShouldBe("The VM is off");
        await node.SucceedAsync(await node.Vms.ActAsync(HostsNode.Admin, id, VmAction.Start, None));
        await using (var screen = (await node.Vms.OpenConsoleAsync(HostsNode.Admin, id, None)).Value)
        {
            var greeting = new byte[12];
            await screen.ReadExactlyAsync(greeting).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
            Encoding.ASCII.GetString(greeting).ShouldStartWith("RFB 003.");
        }
        (await node.Vms.ScreenshotAsync(HostsNode.Admin, id, None)).Value[..4].ShouldBe([0x89, (byte)'P', (byte)'N', (byte)'G']);
        var hypervisor = node.Connections.Get(host.Id).Value;
        (await hypervisor.MonitorAsync(id, "info status", human: true, None)).ShouldContain("running");
        var metrics = await HostsNode.UntilAsync(async () => (await node.Vms.MetricsAsync(HostsNode.Admin, id, None)).Value, m => m.Samples.Count >= 3, 60);
        metrics.IntervalSeconds.ShouldBe(1);
        metrics.Samples.ShouldContain(s => s.CpuPercent > 0 && s.CpuPercent <= 100 && s.MemoryBytes > 0);
        await DeleteAsync(node, id);
    }

    [Fact]
    public async Task Images_that_name_other_files_are_refused_before_anything_opens_them()
    {
        var images = Directory.CreateTempSubdirectory("qd-img-").FullName;
        try
        {
            await using var node = await HostsNode.StartAsync(imageRoots: [images]);
            var host = await node.AddAsync(SystemLibvirt.Uri);
            string File(string name) => Path.Combine(images, name);
            await SystemLibvirt.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", File("plain.qcow2"), "8M");
            await SystemLibvirt.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", File("backed.qcow2"), "8M");
            await SystemLibvirt.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", "-o", $"data_file={File("data.raw")},data_file_raw=on", File("split.qcow2"), "8M");
            await SystemLibvirt.RunAsync("qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=monolithicFlat", File("text.vmdk"), "8M");
            System.IO.File.CreateSymbolicLink(File("link.qcow2"), "/var/lib/libvirt/images/../../../../etc/passwd");
            await SystemLibvirt.RunAsync("mkfifo", File("pipe"));
            foreach (var (name, format) in new[] { ("backed.qcow2", "qcow2"), ("split.qcow2", "qcow2"), ("text.vmdk", "raw"), ("plain.qcow2", "raw"), ("data.raw", "qcow2"), ("link.qcow2", "raw"), ("pipe", "raw"), ("missing", "raw"), ("../etc/passwd", "raw") })
                (await node.Vms.CreateAsync(HostsNode.Admin, new NewVm("x", host.Id, 1, 32, [new NewDisk(SourcePath: File(name), Format: format)]), None)).Problem.ShouldNotBeNull(name).Errors.ShouldHaveSingleItem().Field.ShouldBe("disks[0].sourcePath", name);
            (await node.Vms.CreateAsync(HostsNode.Admin, new NewVm("x", host.Id, 1, 32, Cdrom: File("text.vmdk")), None)).Problem!.Errors.ShouldHaveSingleItem().Field.ShouldBe("cdrom");
            var op = HostsNode.Admin with { Role = Role.Operator };
            (await node.Vms.CreateAsync(op, new NewVm("x", host.Id, 1, 32, [new NewDisk(SourcePath: File("plain.qcow2"), Format: "qcow2")]), None)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        }
        finally
        {
            Directory.Delete(images, recursive: true);
        }
    }

    [Fact]
    public async Task The_processors_are_probed_by_a_real_guest_and_the_vm_says_which_it_got()
    {
        await using var node = await HostsNode.StartAsync();
        var host = await node.AddAsync(SystemLibvirt.Uri);
        host = await node.HostAsync(host.Id, h => h.Acceleration != Acceleration.Unknown, 60);
        host.AccelerationReason.ShouldNotBeNullOrEmpty();
        var id = await CreateAsync(node, new NewVm(libvirt.Prefix + "-accel", host.Id, 1, 32));
        (await node.VmAsync(id, _ => true)).Acceleration.ShouldBe(host.Acceleration);
        await DeleteAsync(node, id);
        (await node.Connections.Get(host.Id).Value.DomainAsync(libvirt.Prefix + "-accel", None)).ShouldBeNull();
    }

    private static async Task<Guid> CreateAsync(HostsNode node, NewVm vm) =>
        (await node.SucceedAsync(await node.Vms.CreateAsync(HostsNode.Admin, vm, None))).Result!.Value.GetProperty("vmId").GetGuid();

    private static async Task DeleteAsync(HostsNode node, Guid id) => await node.SucceedAsync(await node.Vms.DeleteAsync(HostsNode.Admin, id, disks: true, None));
}
