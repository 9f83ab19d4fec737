using System.Net;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Tests.Hosts;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Plugins;

public sealed class AddressTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("qd-address-").FullName;

    private ApplianceAddress Address(string? url) => new(TestDatabase.OptionsFor(_folder, null) with { ApplianceUrl = url });

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("http://192.0.2.1:5443")]
    [InlineData("https://192.0.2.1:5443/x")]
    [InlineData("https://user@192.0.2.1")]
    [InlineData("192.0.2.1")]
    public void A_setting_that_is_no_address_is_refused_with_an_example(string url) =>
        Should.Throw<InvalidDataException>(() => Address(url)).Message.ShouldContain("Example: QUARTERDECK_APPLIANCE_URL=https://");

    [Fact]
    public async Task It_listens_on_loopback_and_bridges_and_nowhere_else()
    {
        var addresses = await Address(null).AddressesAsync(default);

        addresses.ShouldContain(IPAddress.Loopback);
        addresses.ShouldNotContain(IPAddress.Any);
        (await Address("https://10.0.2.2:5443").AddressesAsync(default)).ShouldNotContain(IPAddress.Any);
    }

    [Fact]
    public void The_port_of_last_time_comes_first_so_that_plug_ins_find_it_again()
    {
        Address(null).PortCandidates().ShouldBe([5443, 0]);
        Address(null).Listening(41234, []);
        Address(null).PortCandidates().ShouldBe([41234, 5443, 0]);
        Address("https://10.0.2.2:6000").PortCandidates().ShouldBe([6000]);
    }

    [Fact]
    public async Task Guests_that_cannot_reach_it_are_told_before_they_are_made()
    {
        var address = Address(null);
        (await address.ForAsync(["user"], new FakeHypervisor(), default)).Problem!.Title.ShouldBe("The appliance listener is not up");
        address.Listening(5443, [IPAddress.Loopback]);
        (await address.ForAsync(["user"], new FakeHypervisor(), default)).Problem!.ShouldSatisfyAllConditions(p => p.Kind.ShouldBe(ProblemKind.Unavailable), p => p.Detail.ShouldContain("QUARTERDECK_APPLIANCE_URL"));

        var configured = Address("https://console.example.org");
        configured.Listening(443, [IPAddress.Any]);
        (await configured.ForAsync(["elsewhere"], new FakeHypervisor(), default)).Value.ToString().ShouldBe("https://console.example.org/");
        configured.Names([IPAddress.Any]).ShouldBe(["10.0.2.2", "127.0.0.1", "localhost", "console.example.org"], ignoreOrder: true);
    }
}
