namespace Quarterdeck.Hosts.Libvirt;

/// <content>Backups, checkpoints, the guest's agent.</content>
internal sealed unsafe partial class LibvirtLink
{
    /// <inheritdoc/>
    public Task BeginBackupAsync(Guid uuid, string backupXml, string? checkpointXml, CancellationToken cancellation)
    {
        // While libvirt makes scratch images itself, anybody's question about the VM's disks (a sample of its use is enough) ends QEMU 7.2: it describes an image that is half made.
        const uint ScratchIsThere = 1;
        return WithDomainAsync(uuid, "begin the backup", d => Native.virDomainBackupBegin(d, backupXml, checkpointXml, ScratchIsThere), cancellation, Power);
    }

    /// <inheritdoc/>
    public Task<string?> BackupJobAsync(Guid uuid, CancellationToken cancellation) => CallAsync("look for a backup job", () =>
    {
        const string What = "look for a backup job";
        using var domain = Domain(uuid, What);
        if (Native.virDomainBackupGetXMLDesc(domain, 0) is { } xml) return xml;
        var error = LibvirtError.Last(What);
        return error.Error is HypervisorError.NotFound or HypervisorError.WrongState ? (string?)null : throw error; // no job, or off
    }, cancellation);

    /// <inheritdoc/>
    public Task AbortJobAsync(Guid uuid, CancellationToken cancellation) => WithDomainAsync(uuid, "end the job", Native.virDomainAbortJob, cancellation, Power);

    /// <inheritdoc/>
    public Task<IReadOnlyList<CheckpointRecord>> CheckpointsAsync(Guid uuid, CancellationToken cancellation) => CallAsync<IReadOnlyList<CheckpointRecord>>("list the checkpoints", () =>
    {
        const string What = "list the checkpoints";
        const uint ParentsFirst = 1 << 1, WithoutDomain = 2;
        using var domain = Domain(uuid, What);
        nint* pointers;
        var count = LibvirtError.Check(Native.virDomainListAllCheckpoints(domain, &pointers, ParentsFirst), What);
        var list = new List<CheckpointRecord>(count);
        foreach (var checkpoint in Take<CheckpointHandle>(pointers, count))
            using (checkpoint)
                list.Add(new(OwnedText.Borrowed(Native.virDomainCheckpointGetName(checkpoint)), LibvirtError.Check(Native.virDomainCheckpointGetXMLDesc(checkpoint, WithoutDomain), What)));
        return list;
    }, cancellation);

    /// <inheritdoc/>
    public Task DeleteCheckpointAsync(Guid uuid, string name, bool metadataOnly, CancellationToken cancellation) => _slow.RunAsync(
        () =>
        {
            const string What = "delete the checkpoint";
            using var domain = Domain(uuid, What);
            using var checkpoint = LibvirtError.Found(Native.virDomainCheckpointLookupByName(domain, name, 0), What);
            return checkpoint is null ? 0 : LibvirtError.Check(Native.virDomainCheckpointDelete(checkpoint, metadataOnly ? 2u : 0), What);
        },
        "delete the checkpoint", Power, cancellation);

    /// <inheritdoc/>
    public Task RedefineCheckpointAsync(Guid uuid, string xml, CancellationToken cancellation) => _slow.RunAsync(
        () =>
        {
            const uint Redefine = 1;
            using var domain = Domain(uuid, "define the checkpoint");
            using var checkpoint = LibvirtError.Check(Native.virDomainCheckpointCreateXML(domain, xml, Redefine), "define the checkpoint");
            return true;
        },
        "define the checkpoint", Power, cancellation);

    /// <inheritdoc/>
    public Task<bool> WasShutDownAsync(Guid uuid, CancellationToken cancellation) => CallAsync("read the domain's state", () =>
    {
        const int Off = 5, Unknown = 0, ShutDown = 1;
        using var domain = Domain(uuid, "read the domain's state");
        LibvirtError.Check(Native.virDomainGetState(domain, out var state, out var reason, 0), "read the domain's state");
        return state == Off && reason is (Unknown or ShutDown); // unknown: never started since libvirt's service began
    }, cancellation);

    /// <inheritdoc/>
    public Task<int> FreezeAsync(Guid uuid, CancellationToken cancellation) => AgentAsync(uuid, "freeze the guest's file systems", d => Native.virDomainFSFreeze(d, null, 0, 0), cancellation);

    /// <inheritdoc/>
    public Task<int> ThawAsync(Guid uuid, CancellationToken cancellation) => AgentAsync(uuid, "thaw the guest's file systems", d => Native.virDomainFSThaw(d, null, 0, 0), cancellation);

    private Task<int> AgentAsync(Guid uuid, string what, Func<DomainHandle, int> call, CancellationToken cancellation) => _slow.RunAsync(
        () =>
        {
            using var domain = Domain(uuid, what);
            return LibvirtError.Check(call(domain), what);
        },
        what, Power, cancellation);
}
