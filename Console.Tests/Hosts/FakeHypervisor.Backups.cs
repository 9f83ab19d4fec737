using Quarterdeck.Hosts;

namespace Quarterdeck.Tests.Hosts;

/// <content>Nothing runs here, so there is nothing to back up: as libvirt's mock driver.</content>
internal sealed partial class FakeHypervisor
{
    public Task BeginBackupAsync(Guid uuid, string backupXml, string? checkpointXml, CancellationToken cancellation) => throw NotHere();
    public Task<string?> BackupJobAsync(Guid uuid, CancellationToken cancellation) => On<string?>(() => null, cancellation);
    public Task AbortJobAsync(Guid uuid, CancellationToken cancellation) => throw NotHere();
    public Task<IReadOnlyList<CheckpointRecord>> CheckpointsAsync(Guid uuid, CancellationToken cancellation) => throw NotHere();
    public Task DeleteCheckpointAsync(Guid uuid, string name, bool metadataOnly, CancellationToken cancellation) => throw NotHere();
    public Task RedefineCheckpointAsync(Guid uuid, string xml, CancellationToken cancellation) => throw NotHere();
    public Task<bool> WasShutDownAsync(Guid uuid, CancellationToken cancellation) => On(() => Get(uuid).Record.State == VmState.Off, cancellation);
    public Task<int> FreezeAsync(Guid uuid, CancellationToken cancellation) => throw NotHere();
    public Task<int> ThawAsync(Guid uuid, CancellationToken cancellation) => throw NotHere();
    public Task BeginPullAsync(Guid uuid, string target, CancellationToken cancellation) => throw NotHere();
    public Task<PullProgress?> PullAsync(Guid uuid, string target, CancellationToken cancellation) => On<PullProgress?>(() => null, cancellation);

    private static HypervisorException NotHere() => new(HypervisorError.Unsupported, "back up", "Not here.");
}
