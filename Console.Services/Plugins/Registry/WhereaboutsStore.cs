using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Plugins.Registry;

/// <summary>Where each plug-in's VM is, in the table <c>plugins</c>: people move and rename VMs by other means.</summary>
internal sealed class WhereaboutsStore(Db db, TimeProvider time)
{
    /// <summary>All plug-ins that have a VM, or had one.</summary>
    public async Task<IReadOnlyList<Whereabouts>> ListAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<Whereabouts>("SELECT id, name, host_id, vm_id, COALESCE(domain, vm_id) AS domain, vm_name, state, health, health_reason FROM plugins WHERE state NOT IN ('deploying', 'uninstalling')")];
    }

    /// <summary>Its VM is there now. A sentence is written down when that is news.</summary>
    public Task IsAtAsync(Guid id, Guid hostId, Guid vmId, string vmName, string? news, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await connection.ExecuteAsync("UPDATE plugins SET host_id = @hostId, domain = COALESCE(domain, vm_id), vm_id = @vmId, vm_name = @vmName WHERE id = @id", new { id, hostId, vmId, vmName });
        if (news is not null) await MomentStore.NoteAsync(connection, id, time.GetUtcNow(), news);
    }, cancellation);

    /// <summary>Says why it is silent; false when it is not (any more), or that was said already.</summary>
    public Task<bool> ExplainAsync(Guid id, string reason, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var said = await connection.ExecuteAsync(
            "UPDATE plugins SET health_reason = @reason WHERE id = @id AND state IN ('degraded', 'unreachable') AND health = 'unknown' AND COALESCE(health_reason, '') <> @reason", new { id, reason }) == 1;
        if (said) await MomentStore.RecordAsync(connection, id, time.GetUtcNow());
        return said;
    }, cancellation);
}

/// <summary>Where a plug-in's VM was last.</summary>
internal sealed record Whereabouts(Guid Id, string Name, Guid HostId, Guid VmId, Guid Domain, string? VmName, PluginState State, HealthState Health, string? HealthReason)
{
    /// <summary>Whether heartbeats are missing, so that a reason is wanted.</summary>
    public bool Silent => State is PluginState.Degraded or PluginState.Unreachable && Health is HealthState.Unknown;
}
