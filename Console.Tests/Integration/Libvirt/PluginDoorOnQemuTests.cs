using Quarterdeck.Hosts;
using Quarterdeck.Hosts.Libvirt;
using Quarterdeck.Plugins.Door;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Libvirt;

/// <summary>Forwards by the monitor of a real QEMU; its guest does nothing.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class PluginDoorOnQemuTests(SystemLibvirt libvirt)
{
    [Fact]
    public async Task A_forward_survives_a_reset_is_found_again_by_another_connection_and_is_made_anew_after_a_stop()
    {
        var first = await new LibvirtDriver().OpenAsync(SystemLibvirt.Uri, default);
        var uuid = await first.DefineAsync($"<domain type='qemu'><name>{libvirt.Prefix}-door</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='pc'>hvm</type></os><devices><interface type='user'><model type='virtio'/></interface></devices></domain>", default);
        try
        {
            var made = await OpenAsync(first, uuid);
            await first.MonitorAsync(uuid, "system_reset", human: true, default);
            var second = await new LibvirtDriver().OpenAsync(SystemLibvirt.Uri, default); // as after a restart of the console
            (await UserForward.FindOrAddAsync(second, uuid, "hostnet0", 80, default)).Value.ShouldBe(made);
            (await UserForward.FindOrAddAsync(second, uuid, "hostnet0", 81, default)).Value.ShouldNotBe(made);
            second.Abandon("The test ends.");

            await first.DestroyAsync(uuid, default);
            await OpenAsync(first, uuid);
            await UserForward.RemoveAllAsync(first, uuid, "hostnet0", default);
            UserForward.Read(await first.MonitorAsync(uuid, "info usernet", human: true, default), "hostnet0").ShouldBeEmpty();
            (await UserForward.FindOrAddAsync(first, uuid, "hostnet7", 80, default)).Problem!.Detail.ShouldContain("hostnet7");
        }
        finally
        {
            try { await first.DestroyAsync(uuid, default); } catch (HypervisorException) { /* off */ }
            await first.UndefineAsync(uuid, default);
            first.Abandon("The test ends.");
        }
    }

    private static async Task<System.Net.IPEndPoint> OpenAsync(IHypervisorLink host, Guid uuid)
    {
        await host.StartAsync(uuid, default);
        var device = GuestCard.Of((await host.DomainAsync(uuid, default))!.Xml).Single().UserDevice.ShouldNotBeNull();
        return (await UserForward.FindOrAddAsync(host, uuid, device, 80, default)).Value;
    }
}
