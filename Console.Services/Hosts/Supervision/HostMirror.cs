using Quarterdeck.Events;
using Quarterdeck.Hosts.Inventory;

namespace Quarterdeck.Hosts.Supervision;

/// <summary>Keeps the rows of one host equal to what its hypervisor says, writing and publishing only differences.</summary>
/// <remarks>One writer at a time: a domain is read and written under the same gate, so an older reading never overwrites a newer one.</remarks>
internal sealed class HostMirror(Guid hostId, VmStore store, VmReader reader, EventStream<Vm> events) : IDisposable
{
    /// <summary>Names of the console's own short-lived guests begin so; they are nobody's VMs.</summary>
    public const string ProbePrefix = "quarterdeck-probe-";

    private readonly SemaphoreSlim _gate = new(1);
    private Dictionary<Guid, VmRow>? _rows;

    /// <summary>Reads everything; returns how many domains there are.</summary>
    public async Task<int> ReadAllAsync(IHypervisor hypervisor, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            var domains = await hypervisor.DomainsAsync(cancellation);
            var known = await RowsAsync(cancellation);
            var now = domains.Where(d => !IsProbe(d)).ToDictionary(d => d.Uuid, d => VmRow.Of(hostId, known.GetValueOrDefault(d.Uuid)?.Id, d));
            await WriteAsync(now.Values, [.. known.Keys.Where(k => !now.ContainsKey(k))], cancellation);
            return now.Count;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Reads some domains: a call each, one transaction for all.</summary>
    public async Task ReadAsync(IHypervisor hypervisor, IReadOnlyCollection<Guid> changed, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            var known = await RowsAsync(cancellation);
            var now = new List<VmRow>();
            var gone = new List<Guid>();
            foreach (var uuid in changed)
                if (await hypervisor.DomainAsync(uuid, cancellation) is not { } domain) gone.Add(uuid);
                else if (!IsProbe(domain)) now.Add(VmRow.Of(hostId, known.GetValueOrDefault(uuid)?.Id, domain));
            await WriteAsync(now, gone, cancellation);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The VM's id that a domain has here, or null.</summary>
    public async Task<Guid?> IdOfAsync(Guid domain, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try { return (await RowsAsync(cancellation)).GetValueOrDefault(domain)?.Id; }
        finally { _gate.Release(); }
    }

    /// <summary>Ids by domain, for the samples.</summary>
    public async Task<IReadOnlyDictionary<Guid, Guid>> IdsAsync(CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try { return (await RowsAsync(cancellation)).ToDictionary(r => r.Key, r => r.Value.Id); }
        finally { _gate.Release(); }
    }

    /// <summary>Tells subscribers all VMs of the host again: it became reachable or unreachable, or has a new name.</summary>
    public async Task PublishAllAsync(CancellationToken cancellation)
    {
        if (await reader.OfHostAsync(hostId, cancellation) is { Count: > 0 } all) events.Publish(all);
    }

    /// <summary>Forgets what was read, so that the next reading compares with the database again: another node may have written.</summary>
    public void Forget() => _rows = null;

    public void Dispose() => _gate.Dispose();

    private static bool IsProbe(DomainRecord domain) => domain.Name.StartsWith(ProbePrefix, StringComparison.Ordinal);

    private async Task<Dictionary<Guid, VmRow>> RowsAsync(CancellationToken cancellation) =>
        _rows ??= (await store.OfHostAsync(hostId, cancellation)).ToDictionary(r => r.DomainUuid);

    private async Task WriteAsync(IEnumerable<VmRow> now, IReadOnlyList<Guid> gone, CancellationToken cancellation)
    {
        var known = _rows!;
        var changed = now.Where(r => known.GetValueOrDefault(r.DomainUuid) != r).ToList();
        var removed = gone.Select(g => known.GetValueOrDefault(g)).OfType<VmRow>().ToList();
        try
        {
            if (removed.Count > 0) await store.RemoveAsync([.. removed.Select(r => r.Id)], cancellation);
            foreach (var row in removed) known.Remove(row.DomainUuid);
            if (changed.Count > 0)
            {
                changed = [.. await store.WriteAsync(changed, cancellation)];
                foreach (var row in changed) known[row.DomainUuid] = row;
            }
        }
        catch
        {
            Forget(); // some of it may be written
            throw;
        }
        if (removed.Count > 0) events.Remove([.. removed.Select(r => r.Id.ToString())]);
        if (changed.Count > 0) events.Publish(await reader.LoadAsync([.. changed.Select(r => r.Id.ToString())], cancellation));
    }
}
