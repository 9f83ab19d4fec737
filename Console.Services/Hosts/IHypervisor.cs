namespace Quarterdeck.Hosts;

/// <summary>One connected hypervisor: the asynchronous boundary over libvirt, for this room and the ones above.</summary>
/// <remarks>
/// Every call runs on the host's own threads and ends within a time-out, so that a hung hypervisor blocks nobody else.
/// Calls throw <see cref="HypervisorException"/>, never anything of libvirt's.
/// </remarks>
public interface IHypervisor : IDomainBackups, IDomainPulls
{
    /// <summary>Whether a path on the host is the same file here (local hypervisor), so that a volume may be written directly.</summary>
    bool SharesFileSystem { get; }

    /// <summary>Whether it is libvirt's mock driver, where nothing really runs.</summary>
    bool IsMock { get; }

    /// <summary>Versions, processors, memory.</summary>
    Task<HypervisorInfo> InfoAsync(CancellationToken cancellation);

    /// <summary>Whether the host has UEFI firmware for guests with Intel processors. True on the mock driver.</summary>
    Task<bool> HasUefiAsync(CancellationToken cancellation);

    /// <summary>All domains, by few bulk calls.</summary>
    Task<IReadOnlyList<DomainRecord>> DomainsAsync(CancellationToken cancellation);

    /// <summary>One domain, or null when there is none.</summary>
    Task<DomainRecord?> DomainAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>The domain named so, or null.</summary>
    Task<DomainRecord?> DomainAsync(string name, CancellationToken cancellation);

    /// <summary>Counters of all running domains by one bulk call.</summary>
    Task<IReadOnlyList<DomainCounters>> CountersAsync(CancellationToken cancellation);

    /// <summary>Defines (or redefines, same UUID) a persistent domain; does not start it.</summary>
    Task<Guid> DefineAsync(string xml, CancellationToken cancellation);

    /// <summary>Starts a defined domain.</summary>
    Task StartAsync(Guid uuid, CancellationToken cancellation, bool paused = false);

    /// <summary>Starts a domain that vanishes when it ends.</summary>
    Task<Guid> StartTransientAsync(string xml, CancellationToken cancellation);

    /// <summary>Asks the guest to shut down.</summary>
    Task ShutdownAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Cuts the power.</summary>
    Task DestroyAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Asks the guest to reboot.</summary>
    Task RebootAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Stops the processors.</summary>
    Task PauseAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Lets the processors go on.</summary>
    Task ResumeAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Whether the guest's memory was saved when it was last turned off ("managed save"), so that its next start goes on from there.</summary>
    Task<bool> HasSavedStateAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Throws a saved memory away: the next start boots. Nothing happens when there is none.</summary>
    Task DropSavedStateAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Removes the definition with snapshot and checkpoint metadata, managed save, NVRAM and TPM state. Disks stay.</summary>
    Task UndefineAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>The domain's XML.</summary>
    /// <param name="uuid">The domain.</param>
    /// <param name="cancellation">Gives the wait up.</param>
    /// <param name="inactive">What holds from the next start, instead of what runs.</param>
    /// <param name="secrets">With passwords; needs a connection that may write.</param>
    Task<string> XmlAsync(Guid uuid, CancellationToken cancellation, bool inactive = false, bool secrets = false);

    /// <summary>Sets the number of processors in what runs (<paramref name="live"/>) or in what starts next.</summary>
    Task SetVcpusAsync(Guid uuid, int count, bool live, CancellationToken cancellation);

    /// <summary>Sets the memory in what runs (<paramref name="live"/>) or in what starts next.</summary>
    Task SetMemoryAsync(Guid uuid, long mebibytes, bool live, CancellationToken cancellation);

    /// <summary>Whether the host starts it when it boots.</summary>
    Task SetAutostartAsync(Guid uuid, bool autostart, CancellationToken cancellation);

    /// <summary>Renames a domain that is off.</summary>
    Task RenameAsync(Guid uuid, string name, CancellationToken cancellation);

    /// <summary>Changes a device, such as the medium of a CD drive, in what runs (if it runs) and in what starts next.</summary>
    Task UpdateDeviceAsync(Guid uuid, string deviceXml, CancellationToken cancellation);

    /// <summary>Snapshots, oldest first.</summary>
    Task<IReadOnlyList<VmSnapshot>> SnapshotsAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Takes a snapshot inside the disks' images, with memory when it runs.</summary>
    Task CreateSnapshotAsync(Guid uuid, string name, string description, CancellationToken cancellation);

    /// <summary>Goes back to a snapshot.</summary>
    Task RevertSnapshotAsync(Guid uuid, string name, CancellationToken cancellation);

    /// <summary>Deletes a snapshot; its children stay.</summary>
    Task DeleteSnapshotAsync(Guid uuid, string name, CancellationToken cancellation);

    /// <summary>Takes a snapshot off the list without touching an image: of one that went with its image.</summary>
    Task ForgetSnapshotAsync(Guid uuid, string name, CancellationToken cancellation);

    /// <summary>Storage pools with their room.</summary>
    Task<IReadOnlyList<PoolInfo>> PoolsAsync(CancellationToken cancellation);

    /// <summary>The named pool, started if it was not; with null the default pool, made and started if it is missing.</summary>
    Task<PoolInfo> EnsurePoolAsync(string? name, CancellationToken cancellation);

    /// <summary>Creates an empty volume; fails when the name is taken.</summary>
    Task<VolumeInfo> CreateVolumeAsync(NewVolume volume, CancellationToken cancellation);

    /// <summary>The volume at a path of the host, or null when no pool has it.</summary>
    Task<VolumeInfo?> VolumeAsync(string path, CancellationToken cancellation);

    /// <summary>The volume of a pool by its name, or null.</summary>
    Task<VolumeInfo?> VolumeAsync(string pool, string name, CancellationToken cancellation);

    /// <summary>Deletes the volume at a path of the host; true if there was one.</summary>
    Task<bool> DeleteVolumeAsync(string path, CancellationToken cancellation);

    /// <summary>Writes what a running domain's overlay holds into the image right under it, while the domain runs, and lets it go on with that one; nothing to do when it does not use the overlay (any more). The overlay's file stays.</summary>
    /// <param name="uuid">The domain.</param>
    /// <param name="overlay">Path of the overlay, the source of one of its disks.</param>
    /// <param name="under">Path of the image under it.</param>
    /// <param name="cancellation">Gives the wait up; the merge goes on.</param>
    /// <exception cref="HypervisorException"><see cref="HypervisorError.WrongState"/>: the domain uses the overlay and is off.</exception>
    Task MergeOverlayAsync(Guid uuid, string overlay, string under, CancellationToken cancellation);

    /// <summary>Writes bytes into a volume's file from its beginning, through the hypervisor (also to another machine).</summary>
    Task UploadVolumeAsync(string path, Stream content, long length, CancellationToken cancellation);

    /// <summary>libvirt's networks.</summary>
    Task<IReadOnlyList<NetworkInfo>> NetworksAsync(CancellationToken cancellation);

    /// <summary>Starts a libvirt network that is not active.</summary>
    Task StartNetworkAsync(string name, CancellationToken cancellation);

    /// <summary>Addresses that libvirt's networks gave to the domain's own cards; the guest is not asked. Empty while it is off.</summary>
    Task<IReadOnlyList<GuestLease>> LeasesAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>A two-way stream to the VM's screen, speaking RFB from its first byte. Dispose it to hang up.</summary>
    Task<Stream> OpenGraphicsAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>A picture of the screen, PNG.</summary>
    Task<byte[]> ScreenshotAsync(Guid uuid, CancellationToken cancellation);

    /// <summary>Talks to QEMU's monitor: QMP (JSON), or with <paramref name="human"/> the human one, whose failures are only in the text it answers.</summary>
    Task<string> MonitorAsync(Guid uuid, string command, bool human, CancellationToken cancellation);
}
