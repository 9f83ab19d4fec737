using System.Net;
using Quarterdeck.Hosts;
using Quarterdeck.Hosts.Libvirt;
using Quarterdeck.Plugins.Door;
using Quarterdeck.Tests.Hosts;
using Quarterdeck.Tests.Web.Plugins.Ui;

namespace Quarterdeck.Tests.Plugins;

/// <summary>The way to a plug-in's VM, by what the hypervisor says.</summary>
public sealed class PluginDoorTests
{
    private static readonly NetworkInfo Nat = new("default", true, "nat", "virbr0", "192.168.122.1");

    private static FakeHypervisor Host(UserNetwork? user = null, bool local = true) => new() { IsMock = false, SharesFileSystem = local, Monitor = user is null ? null : user.Answer, Networks = [Nat] };

    private static async Task<DomainRecord> RunningAsync(FakeHypervisor host, string cards)
    {
        var id = await host.DefineAsync($"<domain><name>d</name><uuid>{Guid.NewGuid()}</uuid><devices>{cards}</devices></domain>", default);
        await host.StartAsync(id, default);
        return (await host.DomainAsync(id, default))!;
    }

    [Fact]
    public async Task A_forward_is_made_once_and_found_again_and_each_port_has_its_own()
    {
        var network = new UserNetwork(41234);
        var host = Host(network);
        var domain = await RunningAsync(host, "<interface type='user'><alias name='net0'/></interface>");
        GuestCard.Of(domain.Xml).Single().UserDevice.ShouldBe("hostnet0");
        for (var i = 0; i < 3; i++) (await UserForward.FindOrAddAsync(host, domain.Uuid, "hostnet0", 80, default)).Value.ShouldBe(new IPEndPoint(IPAddress.Loopback, 41234));
        await UserForward.FindOrAddAsync(host, domain.Uuid, "hostnet0", 81, default);
        network.Commands.ShouldBe(["hostfwd_add hostnet0 tcp:127.0.0.1:0-:80", "hostfwd_add hostnet0 tcp:127.0.0.1:0-:81"]);
        await UserForward.RemoveAllAsync(host, domain.Uuid, "hostnet0", default);
        UserForward.Read(network.Answer("info usernet"), "hostnet0").ShouldBeEmpty();
    }

    [Fact]
    public async Task What_QEMU_refuses_is_told_in_its_words()
    {
        var host = Host(new UserNetwork(1));
        var domain = await RunningAsync(host, "");
        (await UserForward.FindOrAddAsync(host, domain.Uuid, "hostnet9", 80, default)).Problem!.Detail.ShouldContain("unrecognized netdev id");
    }

    [Fact]
    public void Forwards_of_other_cards_other_addresses_and_UDP_are_not_taken()
    {
        const string Text = """
            Hub -1 (hostnet1):
              Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
              TCP[HOST_FORWARD]  11       127.0.0.1 1111       10.0.2.15    80     0     0
            hostnet0:
              TCP[HOST_FORWARD]  12         0.0.0.0 2222       10.0.2.15    80     0     0
              UDP[HOST_FORWARD]  13       127.0.0.1 3333       10.0.2.15    80     0     0
              TCP[HOST_FORWARD]  14       127.0.0.1 4444       10.0.2.99    80     0     0
              TCP[ESTABLISHED]   15       127.0.0.1 5555       10.0.2.15    80     0     0
              TCP[HOST_FORWARD]  16       127.0.0.1 6666       10.0.2.15    80     0     0
            """;
        UserForward.Read(Text, "hostnet0").ShouldBe([(6666, 80)]);
    }

    [Fact]
    public async Task On_a_libvirt_network_the_address_is_that_of_the_VMs_own_card()
    {
        var host = Host();
        var domain = await RunningAsync(host, "<interface type='network'><mac address='52:54:00:AA:00:01'/><source network='default'/></interface>");
        (await LeasedAddress.FindAsync(host, domain, GuestCard.Of(domain.Xml), 80, default)).Problem!.Detail.ShouldContain("No address was given");
        host.Leases = [new("52:54:00:aa:00:99", "192.168.122.50", 24), new("52:54:00:aa:00:01", "192.168.122.77", 24)];
        (await LeasedAddress.FindAsync(host, domain, GuestCard.Of(domain.Xml), 80, default)).Value.ShouldBe(new IPEndPoint(IPAddress.Parse("192.168.122.77"), 80));
    }

    [Fact]
    public async Task The_address_that_libvirt_tells_is_read_with_its_card_and_prefix()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, """
                <node><domain type='test'><name>leased</name><memory>1024</memory><vcpu>1</vcpu><os><type>hvm</type></os>
                <devices><interface type='network'><mac address='52:54:00:aa:bb:01'/><source network='default'/></interface></devices></domain>
                <network><name>default</name><forward mode='nat'/><bridge name='virbr0'/><ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip></network></node>
                """);
            var link = await new LibvirtDriver().OpenAsync("test://" + file, default);
            var domain = (await link.DomainAsync("leased", default))!;
            var lease = (await link.LeasesAsync(domain.Uuid, default)).Single();
            (lease.Mac, lease.Prefix).ShouldBe(("52:54:00:aa:bb:01", 24));
            lease.Address.ShouldStartWith("192.168.122.");
            link.Abandon("The test ends.");
        }
        finally { File.Delete(file); }
    }

    [Theory]
    [InlineData("127.0.0.1"), InlineData("169.254.169.254"), InlineData("192.168.122.1"), InlineData("10.0.0.5"), InlineData("192.168.122.255"), InlineData("192.168.122.0"), InlineData("224.0.0.1"), InlineData("0.0.0.0"), InlineData("192.168.122.9"), InlineData("::1"), InlineData("x")]
    public void An_address_that_is_no_guests_is_refused(string address)
    {
        LeasedAddress.Fits(new GuestLease("m", "192.168.122.77", 24), Nat, new HashSet<IPAddress>()).ShouldBeTrue();
        LeasedAddress.Fits(new GuestLease("m", address, 24), Nat, new HashSet<IPAddress> { IPAddress.Parse("192.168.122.9") }).ShouldBeFalse();
    }

    [Theory]
    [InlineData("<interface type='bridge'><source bridge='br0'/></interface>", true, "does not know where it is")]
    [InlineData("<interface type='network'><mac address='52:54:00:AA:00:01'/><source network='default'/></interface>", false, "another machine")]
    [InlineData("<interface type='user'><alias name='net0'/></interface>", false, "another machine")]
    [InlineData("", true, "no network card")]
    public async Task Where_no_way_is_known_the_reason_is_told(string card, bool local, string why)
    {
        var host = Host(local: local);
        host.Leases = [new("52:54:00:aa:00:01", "192.168.122.77", 24)];
        var domain = await RunningAsync(host, card);
        (await LeasedAddress.FindAsync(host, domain, GuestCard.Of(domain.Xml), 80, default)).Problem!.Detail.ShouldContain(why);
    }
}
