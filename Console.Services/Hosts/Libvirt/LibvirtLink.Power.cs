using System.Runtime.InteropServices;

namespace Quarterdeck.Hosts.Libvirt;

/// <content>Defining, running and changing domains.</content>
internal sealed unsafe partial class LibvirtLink
{
    // Snapshot and checkpoint metadata, managed save, NVRAM, TPM state; older or mock drivers know fewer of these flags.
    private static readonly uint[] UndefineFlags = [1 | 2 | 4 | 16 | 32, 1 | 2 | 4 | 16, 1 | 2 | 16, 1 | 2, 0];

    /// <inheritdoc/>
    public Task<Guid> DefineAsync(string xml, CancellationToken cancellation) => _slow.RunAsync( // libvirt may first have to learn what its QEMU can do
        () =>
        {
            using var domain = LibvirtError.Check(Native.virDomainDefineXMLFlags(Connection, xml, 0), "define the VM");
            return UuidOf(domain);
        },
        "define the VM", Power, cancellation);

    /// <inheritdoc/>
    public Task StartAsync(Guid uuid, CancellationToken cancellation, bool paused = false) =>
        WithDomainAsync(uuid, "start the VM", d => Native.virDomainCreateWithFlags(d, paused ? 1u : 0), cancellation, Power);

    /// <inheritdoc/>
    public Task<Guid> StartTransientAsync(string xml, CancellationToken cancellation) => _slow.RunAsync(
        () =>
        {
            using var domain = LibvirtError.Check(Native.virDomainCreateXML(Connection, xml, 0), "start the VM");
            return UuidOf(domain);
        },
        "start the VM", Power, cancellation);

    /// <inheritdoc/>
    public Task ShutdownAsync(Guid uuid, CancellationToken cancellation) =>
        WithDomainAsync(uuid, "shut the VM down", d => Native.virDomainShutdownFlags(d, 0), cancellation);

    /// <inheritdoc/>
    public Task DestroyAsync(Guid uuid, CancellationToken cancellation) =>
        WithDomainAsync(uuid, "stop the VM", d => Native.virDomainDestroyFlags(d, 0), cancellation, Power);

    /// <inheritdoc/>
    public Task RebootAsync(Guid uuid, CancellationToken cancellation) =>
        WithDomainAsync(uuid, "reboot the VM", d => Native.virDomainReboot(d, 0), cancellation);

    /// <inheritdoc/>
    public Task PauseAsync(Guid uuid, CancellationToken cancellation) =>
        WithDomainAsync(uuid, "pause the VM", Native.virDomainSuspend, cancellation, Power);

    /// <inheritdoc/>
    public Task ResumeAsync(Guid uuid, CancellationToken cancellation) =>
        WithDomainAsync(uuid, "resume the VM", Native.virDomainResume, cancellation, Power);

    /// <inheritdoc/>
    public Task<bool> HasSavedStateAsync(Guid uuid, CancellationToken cancellation) => CallAsync("look for saved memory", () =>
    {
        using var domain = Domain(uuid, "look for saved memory");
        return LibvirtError.Check(Native.virDomainHasManagedSaveImage(domain, 0), "look for saved memory") == 1;
    }, cancellation);

    /// <inheritdoc/>
    public Task DropSavedStateAsync(Guid uuid, CancellationToken cancellation) =>
        WithDomainAsync(uuid, "throw the saved memory away", d => Native.virDomainHasManagedSaveImage(d, 0) == 0 ? 0 : Native.virDomainManagedSaveRemove(d, 0), cancellation);

    /// <inheritdoc/>
    public Task UndefineAsync(Guid uuid, CancellationToken cancellation) => CallAsync("remove the VM", () =>
    {
        using var domain = Domain(uuid, "remove the VM");
        for (var i = 0; ; i++)
        {
            if (Native.virDomainUndefineFlags(domain, UndefineFlags[i]) >= 0) return true;
            var error = LibvirtError.Last("remove the VM");
            var unknownFlag = error.Error is HypervisorError.Invalid or HypervisorError.Unsupported;
            if (!unknownFlag || i == UndefineFlags.Length - 1) throw error;
        }
    }, cancellation);

    /// <inheritdoc/>
    public Task RenameAsync(Guid uuid, string name, CancellationToken cancellation) =>
        WithDomainAsync(uuid, "rename the VM", d => Native.virDomainRename(d, name, 0), cancellation);

    /// <inheritdoc/>
    public Task SetAutostartAsync(Guid uuid, bool autostart, CancellationToken cancellation) =>
        WithDomainAsync(uuid, "set autostart", d => Native.virDomainSetAutostart(d, autostart ? 1 : 0), cancellation);

    /// <inheritdoc/>
    public Task SetVcpusAsync(Guid uuid, int count, bool live, CancellationToken cancellation) => WithDomainAsync(uuid, "set the number of processors", d =>
    {
        const uint Live = 1, Config = 2, Maximum = 4;
        if (live) return Native.virDomainSetVcpusFlags(d, (uint)count, Live);
        // The maximum first when growing, last when shrinking: the count may at no time exceed it.
        if (Native.virDomainSetVcpusFlags(d, (uint)count, Config | Maximum) < 0) Native.virResetLastError();
        var set = Native.virDomainSetVcpusFlags(d, (uint)count, Config);
        return set < 0 ? set : Native.virDomainSetVcpusFlags(d, (uint)count, Config | Maximum);
    }, cancellation);

    /// <inheritdoc/>
    public Task SetMemoryAsync(Guid uuid, long mebibytes, bool live, CancellationToken cancellation) => WithDomainAsync(uuid, "set the memory", d =>
    {
        const uint Live = 1, Config = 2, Maximum = 4;
        var kibibytes = new CULong((nuint)(mebibytes * 1024));
        if (live) return Native.virDomainSetMemoryFlags(d, kibibytes, Live);
        var maximum = Native.virDomainSetMemoryFlags(d, kibibytes, Config | Maximum);
        return maximum < 0 ? maximum : Native.virDomainSetMemoryFlags(d, kibibytes, Config);
    }, cancellation);

    /// <inheritdoc/>
    public Task UpdateDeviceAsync(Guid uuid, string deviceXml, CancellationToken cancellation) => WithDomainAsync(uuid, "change a device", d =>
    {
        const uint Live = 1, Config = 2;
        var flags = (Native.virDomainIsActive(d) == 1 ? Live : 0) | (Native.virDomainIsPersistent(d) == 1 ? Config : 0);
        return Native.virDomainUpdateDeviceFlags(d, deviceXml, flags);
    }, cancellation, Power);
}
