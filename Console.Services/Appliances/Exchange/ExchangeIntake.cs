using System.Text.Json;
using System.Xml.Linq;
using Quarterdeck.Access;
using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Secrets;

namespace Quarterdeck.Appliances.Exchange;

/// <summary>The part of an exchange during which the old version still runs: a look at the VM, and the package read into new disks.</summary>
internal sealed class ExchangeIntake(HostConnections hosts, ApplianceStore store, PackageIntake intake, SecretBox secrets, PermissionCatalogue permissions)
{
    public const string PlanStep = "inspect", ReceiveStep = "receive", PlanNote = "exchange";
    private const string Purpose = "appliances.exchange";

    public async Task<ExchangePackage> ReceiveAsync(IOperationContext operation, ExchangeOrder order, ApplianceSpec spec, Stream ova, long? length, CancellationToken cancellation)
    {
        if (SpecCheck.Alone(spec, permissions) is { } wrong) throw new ProblemException(wrong);
        if (await store.FindAsync(order.ApplianceId, cancellation) is not { } before) throw Gone();
        var (vm, hypervisor, domain) = (await hosts.LocateAsync(order.VmId, cancellation)).Value;
        var plan = Plan(await operation.StepAsync(PlanStep, "Looking at the VM", async _ =>
        {
            var stored = secrets.Protect(Purpose, JsonSerializer.Serialize(await LookAsync(order, before, vm, hypervisor, domain, cancellation)));
            await operation.NoteAsync(PlanNote, stored);
            return stored;
        }));
        var heritage = new Heritage(before.Properties, plan.Overlays.ToDictionary(o => o.DiskId, o => o.Under), [.. vm.Networks.Select(n => n.Network)]);
        // Until it is kept, the row stands for no VM: the old version's does.
        var input = new DeployInput(order.NewId, order.NewId, plan.HostId, plan.Name, true, null);
        return await DescribedAsync(operation, _ => intake.ReceiveAsync(input, spec with { Name = plan.Name, HostId = plan.HostId }, hypervisor, operation, ova, length, cancellation, heritage));
    }

    public Task<ExchangePackage> PackageAsync(IOperationContext operation) => DescribedAsync(operation, _ => throw NotReceived());

    /// <summary>What was received, with all that is private to the room.</summary>
    public static Task<ReceivedPackage> ReceivedAsync(IOperationContext operation) => operation.StepAsync<ReceivedPackage>(ReceiveStep, "Receiving the package", _ => throw NotReceived());

    /// <summary>The plan as it was noted; null when nothing was touched yet.</summary>
    public ExchangePlan? Plan(IEnumerable<Note> notes) => notes.FirstOrDefault(n => n.Kind == PlanNote) is { } note ? Plan(note.Value) : null;

    /// <summary>The plan of a running operation.</summary>
    public async Task<ExchangePlan> PlanAsync(IOperationContext operation) => Plan(await operation.StepAsync<string>(PlanStep, "Looking at the VM", _ => throw NotReceived()));

    private ExchangePlan Plan(string stored) => JsonSerializer.Deserialize<ExchangePlan>(secrets.Unprotect(Purpose, stored))!;

    private async Task<ExchangePackage> DescribedAsync(IOperationContext operation, Func<CancellationToken, Task<ReceivedPackage>> receive)
    {
        var package = await operation.StepAsync(ReceiveStep, "Receiving the package", receive);
        return new ExchangePackage(package.Descriptor.Product, package.SmallFiles, [.. package.Descriptor.Hardware.Cards.Select(c => package.Networks[c.Network]).Distinct()]);
    }

    private async Task<ExchangePlan> LookAsync(ExchangeOrder order, ApplianceRow before, Vm vm, IHypervisor hypervisor, Guid domain, CancellationToken cancellation)
    {
        var record = await hypervisor.DomainAsync(domain, cancellation) ?? throw Gone();
        if ((await hypervisor.SnapshotsAsync(domain, cancellation)).Count > 0)
            throw new ProblemException(Problem.Conflict("The VM has snapshots", $"{record.Name} has snapshots, which hold on to the disks that an upgrade exchanges. Delete them and try again."));
        var xml = await hypervisor.XmlAsync(domain, cancellation, inactive: true, secrets: true);
        var pool = await hypervisor.EnsurePoolAsync(null, cancellation);
        var overlays = new List<Overlay>();
        foreach (var disk in before.Disks.Where(d => d.Empty || order.DataDisks.Contains(d.Id)))
        {
            var volume = await hypervisor.VolumeAsync(disk.Path, cancellation);
            if (volume is null || !Uses(xml, disk.Path))
                throw new ProblemException(Problem.Conflict("A data disk is not where it was", $"{record.Name} does not use {disk.Path} any more, on which the data disk '{disk.Id}' was deployed. Attach it again, or uninstall the plug-in and install the new version."));
            overlays.Add(new Overlay(disk.Id, disk.Path, volume.Format, volume.CapacityBytes, pool.Name, $"{Path.GetFileNameWithoutExtension(disk.Path)}-{order.NewId.ToString("N")[^12..]}-trial.qcow2"));
        }
        var data = overlays.Select(o => o.Under).ToHashSet();
        return new ExchangePlan(vm.HostId, domain, record.Name, xml, record.State is VmState.Running or VmState.Paused, overlays, [.. before.Volumes.Where(v => !data.Contains(v))], vm.Vcpus, vm.MemoryMiB);
    }

    private static bool Uses(string xml, string path) => XElement.Parse(xml).Descendants("source").Any(s => (string?)s.Attribute("file") == path);

    private static ProblemException NotReceived() => new(Problem.Conflict("The upload is over", "The package was not received completely. Upload it again."));

    private static ProblemException Gone() => new(Problem.Conflict("The VM is gone", "The plug-in's VM does not exist any more, so that there is nothing to upgrade. Uninstall the plug-in and install the new version."));
}
