using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;
using static Quarterdeck.Tests.Support.HardwareGuest;

namespace Quarterdeck.Tests.Integration.Libvirt;

/// <summary>What packages ask for, on real QEMU: guests boot on each kind of machine, find their own environment and nobody else's, and lose its secrets at their first power-off.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class HardwareTests(SystemLibvirt libvirt, HardwareTests.QemuConsole qemu) : IClassFixture<HardwareTests.QemuConsole>
{
    private readonly RestClient _rest = qemu.Rest;

    private static readonly string Ide = Item(3, 5, more: "<rasd:Address>0</rasd:Address>") + Item(4, 5, more: "<rasd:Address>1</rasd:Address>")
        + Disk(5, "system", 3, 0) + Disk(6, "report", 3, 1) + Item(7, 15, more: "<rasd:Parent>4</rasd:Parent><rasd:AddressOnParent>0</rasd:AddressOnParent>");

    private static readonly string Virtio = Item(3, 6, "virtio") + Disk(5, "system", 3, 0) + Disk(6, "report", 3, 1) + Item(8, 3, more: "<rasd:VirtualQuantity>2</rasd:VirtualQuantity><vmw:CoresPerSocket>1</vmw:CoresPerSocket>");

    private static readonly string Sata = Item(3, 20, "AHCI") + Item(4, 6, "VirtIO") + Disk(5, "system", 3, 0) + Disk(6, "report", 4, 0);

    [Fact]
    public async Task Guests_boot_on_IDE_virtio_and_UEFI_find_their_own_environment_alone_and_lose_its_secrets_at_their_first_power_off()
    {
        var (rest, host) = (_rest, qemu.HostId);
        var twin = await PackageAsync(efi: false, "iso com.vmware.guestInfo", Virtio);
        (string Name, byte[] Package)[] all =
        [
            ("ide", await PackageAsync(efi: false, "iso", Ide)), ("virtio", twin), ("twin", twin), ("uefi", await PackageAsync(efi: true, "com.vmware.guestInfo", Sata)),
        ];
        foreach (var (name, package) in all) await rest.SucceededAsync(await DeployAsync(rest, host, libvirt.Prefix + name, package, "SECRET-" + name), 120);

        var reports = new Dictionary<string, string>();
        foreach (var (name, _) in all) reports[name] = await ReportAsync(libvirt.Prefix + name);

        reports["ide"].ShouldContain("REPORT firmware=bios cpus=1 disk=sd"); // which of the two IDE disks is found first is chance
        reports["ide"].ShouldContain("disks=sda sdb cds=sr0");
        reports["virtio"].ShouldContain("REPORT firmware=bios cpus=2 disk=vdb disks=vda vdb cds=sr0");
        reports["uefi"].ShouldContain("REPORT firmware=efi cpus=1 disk=vda");
        Line(reports["ide"], "iso").ShouldContain("oe:key=\"password\" oe:value=\"SECRET-ide\"");
        Line(reports["ide"], "fwcfg").ShouldBeEmpty();
        Line(reports["virtio"], "fwcfg").ShouldBe(Line(reports["virtio"], "iso"), "both where both were asked for");
        Line(reports["uefi"], "fwcfg").ShouldContain("oe:key=\"password\" oe:value=\"SECRET-uefi\"");
        Line(reports["uefi"], "iso").ShouldBeEmpty();
        foreach (var (name, _) in all) Line(reports[name], "seen").ShouldBe("SECRET-" + name, "a guest sees its own secret, and no sibling's");

        var appliances = await SealedAsync(rest, libvirt.Prefix);
        foreach (var (name, _) in all)
        {
            var files = Environments(libvirt.Prefix + name);
            files.Count.ShouldBe(name is "ide" or "uefi" ? 1 : 2);
            foreach (var file in files)
            {
                var content = await File.ReadAllTextAsync(file, Encoding.Latin1);
                content.ShouldNotContain("SECRET-");
                content.ShouldContain($"oe:key=\"who\" oe:value=\"{name}\"");
                File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }
            (await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "dumpxml", "--security-info", libvirt.Prefix + name)).ShouldNotContain("SECRET-");
            await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Delete, $"/appliances/{appliances[libvirt.Prefix + name]}"));
        }
        LocalLibvirt.With(libvirt.Prefix).ShouldBeEmpty();
    }

    public static TheoryData<string, bool, string> Machines => new()
    {
        {
            "everything on BIOS", false,
            Item(2, 3, more: "<rasd:VirtualQuantity>4</rasd:VirtualQuantity><vmw:CoresPerSocket>2</vmw:CoresPerSocket>") + Item(3, 5) + Item(4, 6, "VirtualSCSI") + Item(5, 6, "lsilogic") + Item(6, 20, "AHCI")
            + Disk(10, "system", 4, 7) + Disk(11, "report", 5, 7)
            + Item(12, 15, more: "<rasd:Parent>3</rasd:Parent>") + Item(13, 15, more: "<rasd:Parent>6</rasd:Parent>") + Item(14, 10, "E1000", "<rasd:Connection>Net</rasd:Connection>") + Item(15, 10, "VmxNet3", "<rasd:Connection>Net</rasd:Connection>")
            + Item(16, 10, "PCNet32", "<rasd:Connection>Net</rasd:Connection>") + Item(17, 21) + Item(18, 21) + Item(19, 22) + Item(20, 23, "vmware.usb.ehci") + Item(21, 24) + Item(22, 35, "vmware.soundcard.hdaudio") + Item(23, 14) + Item(24, 1, "vmware.vmci")
        },
        {
            "everything on UEFI", true,
            Item(3, 5) + Item(4, 6, "lsilogicsas") + Item(6, 20, "vmware.nvme.controller") + Disk(10, "system", 6, 0) + Disk(11, "report", 4, 0) + Item(12, 15, more: "<rasd:Parent>3</rasd:Parent>")
            + Item(14, 10, "E1000e", "<rasd:Connection>Net</rasd:Connection>") + Item(15, 10, "", "<rasd:Connection>Net</rasd:Connection>") + Item(17, 21) + Item(20, 23, "vmware.usb.xhci") + Item(21, 24, "virtio") + Item(22, 35, "ensoniq1371")
        },
        { "VirtIO SCSI", false, Item(4, 6, "VirtIO_SCSI") + Disk(10, "system", 4, 0) + Disk(11, "report", 4, 1) + Item(21, 35, "sb16") + Item(22, 35, "AC97") + Item(23, 23) },
        { "no controllers at all", false, Item(10, 17, more: "<rasd:HostResource>ovf:/disk/system</rasd:HostResource>") + Item(11, 17, more: "<rasd:HostResource>ovf:/disk/report</rasd:HostResource>") },
    };

    [Theory, MemberData(nameof(Machines))]
    public async Task QEMU_takes_every_device_that_a_package_may_ask_for(string what, bool efi, string items)
    {
        var rest = _rest;
        var name = $"{libvirt.Prefix}{Regex.Replace(what, "[^A-Za-z]", "")}";
        // Its disk need not boot here: QEMU makes the machine all the same.
        var deployed = await rest.SucceededAsync(await DeployAsync(rest, qemu.HostId, name, await PackageAsync(efi, "iso com.vmware.guestInfo", items), "", start: false));
        await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "start", "--paused", name);
        (await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "domstate", name)).Trim().ShouldBe("paused");
        await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Delete, $"/vms/{deployed.GetProperty("result").GetProperty("vmId").GetString()}?disks=true"));
        var appliance = (await rest.GetAsync($"/appliances?search={name}")).GetProperty("items")[0];
        await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Delete, $"/appliances/{appliance.GetProperty("id").GetString()}"));
        LocalLibvirt.With(name).ShouldBeEmpty("the VM is gone already, which does no harm");
    }

    private static async Task<string> DeployAsync(RestClient rest, string host, string name, byte[] package, string password, bool start = true)
    {
        var spec = new { name, hostId = host, networks = new { Net = "user" }, properties = new Dictionary<string, string> { ["who"] = password.Replace("SECRET-", ""), ["password"] = password }, allowUnsigned = true, start };
        using var form = new MultipartFormDataContent
        {
            { new StringContent(JsonSerializer.Serialize(spec), Encoding.UTF8, "application/json"), "spec" }, { new ByteArrayContent(package), "file", "guest.ova" },
        };
        return await rest.AcceptedAsync(HttpMethod.Post, "/appliances", form);
    }

    /// <summary>Waits until the guest has powered itself off, and reads what it wrote.</summary>
    private static async Task<string> ReportAsync(string name)
    {
        for (var clock = Stopwatch.StartNew(); (await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "domstate", name)).Trim() != "shut off"; await Task.Delay(200))
            if (clock.Elapsed.TotalSeconds > 180) Assert.Fail($"{name} did not boot and power itself off.");
        var raw = Path.GetTempFileName();
        try
        {
            await SystemLibvirt.RunAsync("qemu-img", "convert", "-f", "qcow2", "-O", "raw", LocalLibvirt.With(name).Single(f => f.EndsWith("disk1.qcow2", StringComparison.Ordinal)), raw);
            var text = Encoding.UTF8.GetString(await File.ReadAllBytesAsync(raw));
            return text[..text.IndexOf("END\n", StringComparison.Ordinal)];
        }
        finally
        {
            File.Delete(raw);
        }
    }

    private static string Line(string report, string name) => report.Split('\n').Single(l => l.StartsWith(name + ":", StringComparison.Ordinal))[(name.Length + 1)..].Trim();

    private static IReadOnlyList<string> Environments(string name) => [.. LocalLibvirt.With(name).Where(f => f.Contains("-environment.", StringComparison.Ordinal))];

    /// <summary>Waits until every environment is sealed; ids by name.</summary>
    private static async Task<Dictionary<string, string>> SealedAsync(RestClient rest, string prefix)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(200))
        {
            var items = (await rest.GetAsync($"/appliances?pageSize=100&search={prefix}")).GetProperty("items").EnumerateArray().ToArray();
            if (items.All(i => i.GetProperty("environment").GetString() == "sealed")) return items.ToDictionary(i => i.GetProperty("name").GetString()!, i => i.GetProperty("id").GetString()!);
            if (clock.Elapsed.TotalSeconds > 60) Assert.Fail($"Not sealed: {string.Join(", ", items)}");
        }
    }

    /// <summary>A console with the machine's libvirt as its host, for all tests of the class: finding out whether KVM works takes seconds.</summary>
    public sealed class QemuConsole : IAsyncLifetime
    {
        private TestConsole? _console;

        internal RestClient Rest { get; private set; } = default!;

        /// <summary>The host.</summary>
        public string HostId { get; private set; } = "";

        public async Task InitializeAsync()
        {
            _console = await TestConsole.StartAsync(new Dictionary<string, string> { ["Quarterdeck:Hosts:FirstHost"] = SystemLibvirt.Uri, ["Quarterdeck:Appliances:PowerOffLook"] = "00:00:00.5" });
            Rest = new RestClient(_console.Url, TestConsole.Token);
            for (var clock = Stopwatch.StartNew(); HostId.Length == 0; await Task.Delay(200))
            {
                var host = (await Rest.GetAsync("/hosts")).GetProperty("items").EnumerateArray().FirstOrDefault();
                if (host.ValueKind is JsonValueKind.Object && host.GetProperty("state").GetString() == "connected" && host.GetProperty("acceleration").GetString() != "unknown") HostId = host.GetProperty("id").GetString()!;
                if (clock.Elapsed.TotalSeconds > 90) Assert.Fail($"The host did not connect: {host}");
            }
        }

        public async Task DisposeAsync()
        {
            Rest.Dispose();
            await _console!.DisposeAsync();
        }
    }
}
