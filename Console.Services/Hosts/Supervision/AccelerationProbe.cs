using System.Globalization;
using System.Xml.Linq;

namespace Quarterdeck.Hosts.Supervision;

/// <summary>Finds out whether guests really run on KVM, by running one: a boot sector that powers itself off.</summary>
/// <remarks>The device file proves nothing: under nested virtualisation it may be there while every guest hangs on it.</remarks>
internal sealed class AccelerationProbe(TimeProvider time)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(6), Poll = TimeSpan.FromMilliseconds(150);

    // mov dx, 0x604; mov ax, 0x2000; out dx, ax (the ACPI power-off of QEMU's pc machine under SeaBIOS); then hlt for ever.
    private static ReadOnlySpan<byte> Code => [0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xf4, 0xeb, 0xfd];

    /// <summary>Runs the probe; what goes wrong means emulation, with the reason.</summary>
    public async Task<(Acceleration Acceleration, string Reason)> RunAsync(IHypervisor hypervisor, CancellationToken cancellation)
    {
        if (hypervisor.IsMock) return (Acceleration.Mock, "The host is libvirt's mock driver: nothing really runs.");
        var name = string.Create(CultureInfo.InvariantCulture, $"{HostMirror.ProbePrefix}{time.GetUtcNow().ToUnixTimeMilliseconds()}-{Guid.NewGuid():N}");
        string? volume = null;
        var domain = Guid.CreateVersion7(time.GetUtcNow());
        try
        {
            var pool = await hypervisor.EnsurePoolAsync(null, cancellation);
            await SweepAsync(hypervisor, pool.Name, cancellation);
            volume = (await hypervisor.CreateVolumeAsync(new NewVolume(pool.Name, name + ".img", "raw", 1024 * 1024), cancellation)).Path;
            await hypervisor.UploadVolumeAsync(volume, new MemoryStream(BootSector()), 512, cancellation);
            var begun = time.GetTimestamp();
            // Persistent, because of one that vanishes nobody could tell whether its guest ended or its QEMU died.
            await hypervisor.DefineAsync(Domain(name, domain, volume), cancellation);
            await hypervisor.StartAsync(domain, cancellation);
            while (time.GetElapsedTime(begun) < Limit)
            {
                var state = (await hypervisor.DomainAsync(domain, cancellation))?.State;
                if (state == VmState.Off)
                    return (Acceleration.Kvm, string.Create(CultureInfo.InvariantCulture, $"A guest ran on KVM and powered itself off within {time.GetElapsedTime(begun).TotalSeconds:0.0} s."));
                if (state is null or VmState.Crashed) return (Acceleration.Emulation, "QEMU died when a guest was started on KVM, so QEMU emulates the processors.");
                await Task.Delay(Poll, time, cancellation);
            }
            return (Acceleration.Emulation, string.Create(CultureInfo.InvariantCulture, $"A guest did not run on KVM within {Limit.TotalSeconds} s, so QEMU emulates the processors."));
        }
        catch (HypervisorException refused) when (refused.Error is not HypervisorError.Disconnected)
        {
            return (Acceleration.Emulation, $"KVM could not be tried, so QEMU emulates the processors. {refused.Problem.Detail}");
        }
        finally
        {
            await TidyAsync(hypervisor, domain, volume);
        }
    }

    // What a console left behind that was killed while it probed; a probe of another console that runs now is younger.
    private async Task SweepAsync(IHypervisor hypervisor, string pool, CancellationToken cancellation)
    {
        var old = time.GetUtcNow().AddMinutes(-2).ToUnixTimeMilliseconds();
        foreach (var left in await hypervisor.DomainsAsync(cancellation))
            if (left.Name.StartsWith(HostMirror.ProbePrefix, StringComparison.Ordinal)
                && long.TryParse(left.Name[HostMirror.ProbePrefix.Length..].Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var begun) && begun < old)
                await TidyAsync(hypervisor, left.Uuid, (await hypervisor.VolumeAsync(pool, left.Name + ".img", cancellation))?.Path);
    }

    private static async Task TidyAsync(IHypervisor hypervisor, Guid domain, string? volume)
    {
        try
        {
            if (await hypervisor.DomainAsync(domain, CancellationToken.None) is { } left)
            {
                if (left.State is VmState.Running or VmState.Paused) await hypervisor.DestroyAsync(domain, CancellationToken.None);
                await hypervisor.UndefineAsync(domain, CancellationToken.None);
            }
        }
        catch (HypervisorException) { /* the host is gone; the domain is hidden from lists by its name */ }
        try
        {
            if (volume is not null) await hypervisor.DeleteVolumeAsync(volume, CancellationToken.None);
        }
        catch (HypervisorException) { /* the host is gone; a megabyte stays, sparse */ }
    }

    private static byte[] BootSector()
    {
        var sector = new byte[512];
        Code.CopyTo(sector);
        (sector[510], sector[511]) = (0x55, 0xaa);
        return sector;
    }

    private static string Domain(string name, Guid uuid, string disk) => new XElement("domain", new XAttribute("type", "kvm"),
        new XElement("name", name), new XElement("uuid", uuid),
        new XElement("memory", new XAttribute("unit", "MiB"), 16), new XElement("vcpu", 1),
        new XElement("os", new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", "pc"), "hvm"), new XElement("boot", new XAttribute("dev", "hd"))),
        new XElement("features", new XElement("acpi")),
        // The model that VMs get: a nested KVM may run a boot sector, and refuse the registers of a whole processor.
        new XElement("cpu", new XAttribute("mode", "host-model")),
        new XElement("on_poweroff", "destroy"), new XElement("on_reboot", "destroy"), new XElement("on_crash", "destroy"),
        new XElement("devices",
            new XElement("disk", new XAttribute("type", "file"), new XAttribute("device", "disk"),
                new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", "raw")),
                new XElement("source", new XAttribute("file", disk)),
                new XElement("target", new XAttribute("dev", "hda"), new XAttribute("bus", "ide"))),
            new XElement("controller", new XAttribute("type", "usb"), new XAttribute("model", "none")),
            new XElement("memballoon", new XAttribute("model", "none")))).ToString();
}
