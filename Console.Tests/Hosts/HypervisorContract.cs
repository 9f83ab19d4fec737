using System.Xml.Linq;
using Quarterdeck.Hosts;
using Quarterdeck.Hosts.Libvirt;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Hosts;

/// <summary>What every hypervisor does; run by the fake, by libvirt's mock driver and by the machine's QEMU.</summary>
public abstract class HypervisorContract : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly List<Guid> _made = [];

    private protected abstract Task<IHypervisorLink> OpenAsync();

    private protected abstract string DomainType { get; }

    private protected IHypervisorLink Hypervisor { get; private set; } = null!;

    private protected string Prefix { get; } = "qdc" + Guid.NewGuid().ToString("N")[..8];

    public async Task InitializeAsync() => Hypervisor = await OpenAsync();

    public async Task DisposeAsync()
    {
        foreach (var uuid in _made)
            if (await Hypervisor.DomainAsync(uuid, None) is { } domain)
            {
                if (domain.State is VmState.Running or VmState.Paused) await Hypervisor.DestroyAsync(uuid, None);
                await Hypervisor.UndefineAsync(uuid, None);
            }
        Hypervisor.Abandon("The test ends.");
    }

    [Fact]
    public async Task A_defined_domain_is_found_by_uuid_by_name_and_in_the_list()
    {
        var uuid = await DefineAsync("a");
        var domain = (await Hypervisor.DomainAsync(uuid, None)).ShouldNotBeNull();
        (domain.Name, domain.State, domain.Persistent, domain.Autostart).ShouldBe(($"{Prefix}-a", VmState.Off, true, false));
        (await Hypervisor.DomainAsync($"{Prefix}-a", None)).ShouldNotBeNull().Uuid.ShouldBe(uuid);
        (await Hypervisor.DomainsAsync(None)).ShouldContain(d => d.Uuid == uuid && d.Name == domain.Name && d.State == VmState.Off && d.Persistent);
    }

    [Fact]
    public async Task A_domain_that_is_not_there_reads_as_null_and_cannot_be_started()
    {
        (await Hypervisor.DomainAsync(Guid.NewGuid(), None)).ShouldBeNull();
        (await Hypervisor.DomainAsync(Prefix + "-none", None)).ShouldBeNull();
        (await Should.ThrowAsync<HypervisorException>(Hypervisor.StartAsync(Guid.NewGuid(), None))).Error.ShouldBe(HypervisorError.NotFound);
    }

    [Fact]
    public async Task A_domain_goes_through_its_states()
    {
        var uuid = await DefineAsync("states");
        await Hypervisor.StartAsync(uuid, None);
        (await StateAsync(uuid)).ShouldBe(VmState.Running);
        (await Should.ThrowAsync<HypervisorException>(Hypervisor.StartAsync(uuid, None))).Error.ShouldBe(HypervisorError.WrongState);
        await Hypervisor.PauseAsync(uuid, None);
        (await StateAsync(uuid)).ShouldBe(VmState.Paused);
        await Hypervisor.ResumeAsync(uuid, None);
        (await StateAsync(uuid)).ShouldBe(VmState.Running);
        await Hypervisor.DestroyAsync(uuid, None);
        (await StateAsync(uuid)).ShouldBe(VmState.Off);
        (await Should.ThrowAsync<HypervisorException>(Hypervisor.DestroyAsync(uuid, None))).Error.ShouldBe(HypervisorError.WrongState);
    }

    [Fact]
    public async Task A_domain_that_was_never_saved_has_no_memory_to_throw_away()
    {
        var uuid = await DefineAsync("saved");
        (await Hypervisor.HasSavedStateAsync(uuid, None)).ShouldBeFalse();
        await Hypervisor.DropSavedStateAsync(uuid, None);
        (await Should.ThrowAsync<HypervisorException>(Hypervisor.HasSavedStateAsync(Guid.NewGuid(), None))).Error.ShouldBe(HypervisorError.NotFound);
    }

    [Fact]
    public async Task Every_change_is_told_within_a_second()
    {
        var uuid = Guid.NewGuid();
        _made.Add(uuid);
        await ToldAsync(uuid, () => Hypervisor.DefineAsync(Xml(uuid, "events"), None));
        await ToldAsync(uuid, () => Hypervisor.StartAsync(uuid, None));
        await ToldAsync(uuid, () => Hypervisor.PauseAsync(uuid, None));
        await ToldAsync(uuid, () => Hypervisor.DestroyAsync(uuid, None));
        await ToldAsync(uuid, () => Hypervisor.UndefineAsync(uuid, None));
    }

    [Fact]
    public async Task A_name_belongs_to_one_domain()
    {
        await DefineAsync("taken");
        (await Should.ThrowAsync<HypervisorException>(Hypervisor.DefineAsync(Xml(Guid.NewGuid(), "taken"), None))).Error.ShouldBe(HypervisorError.Exists);
    }

    [Fact]
    public async Task Broken_xml_is_refused_as_invalid() =>
        (await Should.ThrowAsync<HypervisorException>(Hypervisor.DefineAsync("<domain", None))).Error.ShouldBe(HypervisorError.Invalid);

    [Theory]
    [InlineData("quotes \" and ' and <&>;$(reboot)`")]
    [InlineData("🚀 snowman ☃ ünïcödé 日本語")]
    [InlineData("--help")]
    [InlineData("a,b=c\\d")]
    public async Task Awkward_names_come_back_as_they_went(string name)
    {
        var uuid = await DefineAsync(name);
        (await Hypervisor.DomainAsync(uuid, None)).ShouldNotBeNull().Name.ShouldBe($"{Prefix}-{name}");
        (await Hypervisor.DomainAsync($"{Prefix}-{name}", None)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Autostart_is_set_and_read()
    {
        var uuid = await DefineAsync("auto");
        await Hypervisor.SetAutostartAsync(uuid, true, None);
        (await Hypervisor.DomainAsync(uuid, None)).ShouldNotBeNull().Autostart.ShouldBeTrue();
        (await Hypervisor.DomainsAsync(None)).Single(d => d.Uuid == uuid).Autostart.ShouldBeTrue();
        await Hypervisor.SetAutostartAsync(uuid, false, None);
        (await Hypervisor.DomainAsync(uuid, None)).ShouldNotBeNull().Autostart.ShouldBeFalse();
    }

    [Fact]
    public async Task A_volume_is_made_once_found_and_deleted_once()
    {
        var pool = await Hypervisor.EnsurePoolAsync(null, None);
        var wanted = new NewVolume(pool.Name, Prefix + ".img", "raw", 4 << 20);
        var made = await Hypervisor.CreateVolumeAsync(wanted, None);
        try
        {
            made.CapacityBytes.ShouldBe(4 << 20);
            (await Should.ThrowAsync<HypervisorException>(Hypervisor.CreateVolumeAsync(wanted, None))).Error.ShouldBe(HypervisorError.Exists);
            (await Hypervisor.VolumeAsync(made.Path, None)).ShouldNotBeNull().Name.ShouldBe(wanted.Name);
            (await Hypervisor.VolumeAsync(pool.Name, wanted.Name, None)).ShouldNotBeNull().Path.ShouldBe(made.Path);
        }
        finally
        {
            (await Hypervisor.DeleteVolumeAsync(made.Path, None)).ShouldBeTrue();
        }
        (await Hypervisor.DeleteVolumeAsync(made.Path, None)).ShouldBeFalse();
        (await Hypervisor.VolumeAsync(pool.Name, wanted.Name, None)).ShouldBeNull();
    }

    [Fact]
    public async Task A_pool_that_is_not_there_is_not_made() =>
        (await Should.ThrowAsync<HypervisorException>(Hypervisor.EnsurePoolAsync(Prefix + "-none", None))).Error.ShouldBe(HypervisorError.NotFound);

    [Fact]
    public async Task After_it_was_abandoned_every_call_fails_at_once()
    {
        var other = await OpenAsync();
        other.Abandon("Enough.");
        var begun = DateTime.UtcNow;
        (await Should.ThrowAsync<HypervisorException>(() => other.DomainsAsync(None))).Error.ShouldBe(HypervisorError.Disconnected);
        (await Should.ThrowAsync<HypervisorException>(() => other.PingAsync(TimeSpan.FromSeconds(5), None))).Error.ShouldBe(HypervisorError.Disconnected);
        (DateTime.UtcNow - begun).ShouldBeLessThan(TimeSpan.FromSeconds(5)) /* PingAsync's own time-out */;
        (await other.Closed).ShouldBe("Enough.");
    }

    [Fact]
    public async Task No_address_was_given_to_a_domain_that_is_off_or_has_no_card()
    {
        var uuid = await DefineAsync("addresses");
        (await Hypervisor.LeasesAsync(uuid, None)).ShouldBeEmpty();
        await Hypervisor.StartAsync(uuid, None);
        (await Hypervisor.LeasesAsync(uuid, None)).ShouldBeEmpty();
        (await Should.ThrowAsync<HypervisorException>(Hypervisor.LeasesAsync(Guid.NewGuid(), None))).Error.ShouldBe(HypervisorError.NotFound);
    }

    private async Task<Guid> DefineAsync(string name)
    {
        var uuid = Guid.NewGuid();
        _made.Add(uuid);
        (await Hypervisor.DefineAsync(Xml(uuid, name), None)).ShouldBe(uuid);
        return uuid;
    }

    private string Xml(Guid uuid, string name) => new XElement("domain", new XAttribute("type", DomainType),
        new XElement("name", $"{Prefix}-{name}"), new XElement("uuid", uuid), new XElement("memory", new XAttribute("unit", "MiB"), 16), new XElement("vcpu", 1),
        new XElement("os", new XElement("type", "hvm"))).ToString();

    private async Task<VmState> StateAsync(Guid uuid) => (await Hypervisor.DomainAsync(uuid, None)).ShouldNotBeNull().State;

    private async Task ToldAsync(Guid uuid, Func<Task> change)
    {
        await Task.Delay(50); // stragglers of the change before
        Hypervisor.Changes.Take();
        await change();
        for (var until = DateTime.UtcNow.AddSeconds(1); ; await Task.Delay(10))
        {
            if (Hypervisor.Changes.Take().Contains(uuid)) return;
            DateTime.UtcNow.ShouldBeLessThan(until, "no event within a second");
        }
    }
}

public sealed class FakeHypervisorTests : HypervisorContract
{
    private protected override string DomainType => "test";
    private protected override Task<IHypervisorLink> OpenAsync() => Task.FromResult<IHypervisorLink>(new FakeHypervisor());
}

public sealed class MockDriverTests : HypervisorContract
{
    private protected override string DomainType => "test";
    private protected override Task<IHypervisorLink> OpenAsync() => new LibvirtDriver().OpenAsync("test:///default", CancellationToken.None);
}

[Collection(SystemLibvirtTests.Name)]
public sealed class QemuDriverTests : HypervisorContract
{
    public QemuDriverTests(SystemLibvirt libvirt) => _ = libvirt;
    private protected override string DomainType => "qemu";
    private protected override Task<IHypervisorLink> OpenAsync() => new LibvirtDriver().OpenAsync(SystemLibvirt.Uri, CancellationToken.None);
}
