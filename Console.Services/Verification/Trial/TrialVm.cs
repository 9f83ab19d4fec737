using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores;

namespace Quarterdeck.Verification.Trial;

/// <summary>A VM that exists only while it is looked at: its domain vanishes with its QEMU, its disks are overlays that are thrown away, its network leads nowhere.</summary>
internal sealed partial class TrialVm : ITrialGuest, IAsyncDisposable
{
    // The inventory passes such domains over: they are nobody's VMs.
    private const string NamePrefix = "quarterdeck-probe-proof-";
    private readonly IHypervisor _hypervisor;
    private readonly IReadOnlyList<PointExport> _exports;
    private readonly StringBuilder _serial = new();

    private TrialVm(IHypervisor hypervisor, Guid domain, IReadOnlyList<PointExport> exports) => (_hypervisor, Domain, _exports) = (hypervisor, domain, exports);

    /// <summary>Its UUID on the host.</summary>
    public Guid Domain { get; }

    /// <summary>Boots a point; what an earlier attempt left is removed first.</summary>
    /// <exception cref="ProblemException">It cannot be made.</exception>
    public static async Task<TrialVm> BootAsync(IOperationContext operation, IHypervisor hypervisor, PointExports exports, ProofInput input, PointManifest point, Acceleration acceleration, CancellationToken cancellation)
    {
        await RemoveAsync(hypervisor, operation.Id, [], cancellation);
        var open = new List<PointExport>();
        try
        {
            var disks = new List<IsolatedDisk>();
            var pool = await hypervisor.EnsurePoolAsync(null, cancellation);
            foreach (var disk in point.Disks)
            {
                if (!(await exports.OpenAsync(point.Id, disk.Target, cancellation, input.RepositoryId)).TryGet(out var export, out var problem))
                    throw problem.Kind == ProblemKind.Unavailable ? new TransientException(problem.Detail) : new ProblemException(problem);
                open.Add(export);
                var name = OverlayOf(operation.Id, disk.Target);
                await operation.NoteAsync(ProofKinds.VolumeNote, $"{pool.Name}/{name}");
                if (await hypervisor.VolumeAsync(pool.Name, name, cancellation) is { } left) await hypervisor.DeleteVolumeAsync(left.Path, cancellation);
                disks.Add(new IsolatedDisk(disk.Target, (await hypervisor.CreateVolumeAsync(new NewVolume(pool.Name, name, "qcow2", disk.SizeBytes), cancellation)).Path, export.SocketPath));
            }
            var network = new IsolatedNetwork([.. input.Checks.Ports.Select(p => p.Port)], input.Checks.GuestAddress);
            var xml = IsolatedCopy.Definition(point.DomainXml, NameOf(operation.Id), operation.Id, disks, network, acceleration);
            return new TrialVm(hypervisor, await hypervisor.StartTransientAsync(xml, cancellation), open);
        }
        catch
        {
            foreach (var export in open) await export.DisposeAsync();
            throw;
        }
    }

    /// <summary>Removes the VM of an operation, and its overlays; nothing happens when there is none.</summary>
    public static async Task RemoveAsync(IHypervisor hypervisor, Guid operation, IReadOnlyList<Note> notes, CancellationToken cancellation)
    {
        if (await hypervisor.DomainAsync(NameOf(operation), cancellation) is { } domain)
        {
            try { await hypervisor.DestroyAsync(domain.Uuid, cancellation); }
            catch (HypervisorException e) when (e.Error is HypervisorError.NotFound or HypervisorError.WrongState) { /* it ended by itself */ }
        }
        foreach (var note in notes.Where(n => n.Kind == ProofKinds.VolumeNote))
            if (note.Value.Split('/', 2) is [var pool, var name] && await hypervisor.VolumeAsync(pool, name, cancellation) is { } volume) await hypervisor.DeleteVolumeAsync(volume.Path, cancellation);
    }

    /// <inheritdoc/>
    public async Task<bool> RunsAsync(CancellationToken cancellation) => (await _hypervisor.DomainAsync(Domain, cancellation))?.State is VmState.Running or VmState.Paused;

    /// <inheritdoc/>
    public async Task<bool> AgentAnswersAsync(CancellationToken cancellation)
    {
        // Letting file systems go on that nobody froze does nothing, and only an agent can say so.
        try { await _hypervisor.ThawAsync(Domain, cancellation); return true; }
        catch (HypervisorException) { return false; }
    }

    /// <inheritdoc/>
    public async Task<string> SerialAsync(CancellationToken cancellation)
    {
        var answer = JsonNode.Parse(await _hypervisor.MonitorAsync(Domain, new JsonObject { ["execute"] = "ringbuf-read", ["arguments"] = new JsonObject { ["device"] = IsolatedCopy.SerialName, ["size"] = 65536 } }.ToJsonString(), human: false, cancellation));
        if ((string?)answer?["return"] is { } text) _serial.Append(text);
        if (_serial.Length > 65536) _serial.Remove(0, _serial.Length - 65536);
        return _serial.ToString();
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<int, int>> PortsAsync(CancellationToken cancellation)
    {
        var text = await _hypervisor.MonitorAsync(Domain, "info usernet", human: true, cancellation);
        return Forward().Matches(text).Select(m => (Host: Number(m, 1), Guest: Number(m, 2))).DistinctBy(p => p.Guest).ToDictionary(p => p.Guest, p => p.Host);
    }

    /// <inheritdoc/>
    public async Task<byte[]?> ScreenAsync(CancellationToken cancellation)
    {
        try { return await _hypervisor.ScreenshotAsync(Domain, cancellation); }
        catch (HypervisorException) { return null; }
    }

    /// <summary>Hangs up its disks; the domain is removed by <see cref="RemoveAsync"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var export in _exports) await export.DisposeAsync();
    }

    /// <summary>Name of the overlay of a disk.</summary>
    public static string OverlayOf(Guid operation, string target) => $"{NameOf(operation)}-{target}.qcow2";

    private static string NameOf(Guid operation) => $"{NamePrefix}{operation:N}";

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].Value, NumberStyles.None, CultureInfo.InvariantCulture);

    // "  TCP[HOST_FORWARD]  12       127.0.0.1 40123       10.0.2.15    80     0     0"
    [GeneratedRegex(@"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+\S+\s+(\d+)")]
    private static partial Regex Forward();
}
