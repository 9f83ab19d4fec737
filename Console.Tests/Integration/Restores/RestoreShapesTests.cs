using System.Xml.Linq;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>Restores of VMs whose disks are more than one plain image: snapshots inside and over them, firmware variables, a TPM.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class RestoreShapesTests(SystemLibvirt libvirt)
{
    private static Task<string> VirshAsync(params string[] arguments) => SystemLibvirt.RunAsync("virsh", ["-q", "-c", SystemLibvirt.Uri, .. arguments]);

    [Fact]
    public async Task A_disk_with_a_snapshot_laid_over_it_comes_back_in_every_mode_and_never_shows_what_is_below()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "over");
        await lab.MakeVmAsync(("vda", "qcow2", 16));
        var below = await lab.BackUpAsync();
        var first = lab.Contents();
        await lab.WriteAsync("vda", 0, 200_000, 31);
        var over = $"{RestoreLab.Images}/{lab.Name}-over.qcow2";
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/start"));
        await VirshAsync("snapshot-create-as", lab.Name, "s", "--disk-only", "--diskspec", $"vda,file={over}");
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/stop"));
        lab.Disks["vda"] = lab.Disks["vda"] with { Path = over };
        await lab.WriteAsync("vda", 5 << 20, 300_000, 32);
        await lab.ZeroAsync("vda", 1 << 20, 1 << 20); // empty above, full below
        var above = await lab.BackUpAsync();
        var second = lab.Contents();

        await lab.RestoredAsync(below.Id);
        await lab.ShouldHoldAsync(first);
        await lab.RestoredAsync(above.Id);
        await lab.ShouldHoldAsync(second);
        await lab.RestoredAsync(below.Id, "full");
        await lab.ShouldHoldAsync(first);
        lab.ShouldBeTidy();
        await lab.RestoredAsync(above.Id, "full", new { start = true });
        // As the guest sees it: QEMU has the definition's word for what lies below the image.
        var seen = await lab.BackUpAsync();
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/stop"));
        await lab.ShouldHoldAsync(second);
        var copy = await lab.RestoredAsync(seen.Id, "new", new { name = lab.Name + "-2" });
        var disk = (await lab.Rest.GetAsync($"/vms/{copy.GetProperty("vmId").GetString()}")).GetProperty("disks")[0].GetProperty("path").GetString()!;
        await lab.ShouldHoldAsync(second, _ => disk);
    }

    [Fact]
    public async Task Snapshots_inside_an_image_outlive_a_restore_in_place_and_go_with_a_full_one()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "inside");
        await lab.MakeVmAsync(("vda", "qcow2", 16));
        var point = await lab.BackUpAsync();
        var first = lab.Contents();
        await lab.WriteAsync("vda", 0, 400_000, 33);
        var second = lab.Contents();
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/snapshots", new { name = "inside" }));
        await lab.WriteAsync("vda", 2 << 20, 400_000, 34);

        await lab.RestoredAsync(point.Id);
        await lab.ShouldHoldAsync(first);
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/snapshots/inside/revert"));
        await lab.ShouldHoldAsync(second);
        var healed = await lab.BackUpAsync();

        var (_, plan) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point.Id, mode = "full", plan = true });
        plan.GetProperty("notes").ToString().ShouldContain("inside");
        await lab.RestoredAsync(point.Id, "full");
        await lab.ShouldHoldAsync(first);
        (await VirshAsync("snapshot-list", lab.Name, "--name")).Trim().ShouldBeEmpty();
        await lab.RestoredAsync(healed.Id);
        await lab.ShouldHoldAsync(second);
    }

    [Fact]
    public async Task Firmware_variables_and_the_TPM_come_back_with_the_disks_and_a_new_VM_has_its_own()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "tpm");
        await lab.MakeVmAsync(("vda", "qcow2", 8));
        var nvram = $"{RestoreLab.Images}/{lab.Name}-vars.fd";
        await lab.RedefineAsync(xml =>
        {
            xml.Element("memory")!.Value = xml.Element("currentMemory")!.Value = "131072";
            xml.Element("os")!.Element("type")!.SetAttributeValue("machine", "q35");
            xml.Element("os")!.Add(XElement.Parse("<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>"), XElement.Parse($"<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>{nvram}</nvram>"));
            xml.Element("devices")!.Elements("controller").Remove();
            foreach (var device in xml.Element("devices")!.Elements()) device.Elements("address").Remove();
            xml.Element("devices")!.Add(XElement.Parse("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"));
        });
        var uuid = (await VirshAsync("domuuid", lab.Name)).Trim();
        var tpm = $"/var/lib/libvirt/swtpm/{uuid}/tpm2/tpm2-00.permall";
        await RunOnceAsync(lab);
        var point = await lab.BackUpAsync();
        var (vars, state) = (await File.ReadAllBytesAsync(nvram), await File.ReadAllBytesAsync(tpm));
        await OverwriteAsync(nvram);
        await OverwriteAsync(tpm);
        await lab.WriteAsync("vda", 0, 100_000, 35);

        var result = await lab.RestoredAsync(point.Id);
        (await File.ReadAllBytesAsync(nvram)).AsSpan().SequenceEqual(vars).ShouldBeTrue("the firmware's variables");
        (await File.ReadAllBytesAsync(tpm)).AsSpan().SequenceEqual(state).ShouldBeTrue("the TPM");
        await RunOnceAsync(lab); // swtpm and QEMU may still read and write them

        var copy = (await lab.RestoredAsync(point.Id, "new", new { name = lab.Name + "-2" })).GetProperty("vmId").GetString()!;
        var own = XElement.Parse(await VirshAsync("dumpxml", lab.Name + "-2")).Element("os")!.Element("nvram")!.Value;
        own.ShouldNotBe(nvram);
        (await File.ReadAllBytesAsync(own)).AsSpan().SequenceEqual(vars).ShouldBeTrue("the copy's variables");
        (await File.ReadAllBytesAsync($"/var/lib/libvirt/swtpm/{copy}/tpm2/tpm2-00.permall")).AsSpan().SequenceEqual(state).ShouldBeTrue("the copy's TPM");
        await RunOnceAsync(lab, copy);

        // Everything is gone: the VM comes back with both.
        await VirshAsync("undefine", lab.Name, "--nvram", "--checkpoints-metadata");
        File.Delete(lab.Disks["vda"].Path);
        await RestoreLab.UntilAsync(async () => (await lab.Rest.StatusAsync($"/vms/{lab.VmId}")) == System.Net.HttpStatusCode.NotFound);
        await lab.RestoredAsync(point.Id, "full");
        (await File.ReadAllBytesAsync(nvram)).AsSpan().SequenceEqual(vars).ShouldBeTrue("the variables of the VM that came back");
        (await File.ReadAllBytesAsync(tpm)).AsSpan().SequenceEqual(state).ShouldBeTrue("the TPM of the VM that came back");
        await RunOnceAsync(lab);
        result.GetProperty("mode").GetString().ShouldBe("incremental");
    }

    private static async Task OverwriteAsync(string path)
    {
        var bytes = await File.ReadAllBytesAsync(path);
        new Random(9).NextBytes(bytes.AsSpan(bytes.Length / 2));
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
        await file.WriteAsync(bytes);
    }

    // Long enough that its firmware has made its variables and its TPM is set up.
    private static async Task RunOnceAsync(RestoreLab lab, string? vm = null)
    {
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{vm ?? lab.VmId}/actions/start"));
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{vm ?? lab.VmId}/actions/stop"));
    }
}
