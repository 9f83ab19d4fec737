namespace Quarterdeck.Hosts;

/// <summary>How far a disk's job is.</summary>
/// <param name="Done">Bytes looked at so far.</param>
/// <param name="Total">Bytes in all.</param>
public sealed record PullProgress(long Done, long Total);

/// <summary>What a hypervisor offers to make a running domain's disk independent of the images it stands on.</summary>
/// <remarks>Calls throw <see cref="HypervisorException"/>; the mock driver answers <see cref="HypervisorError.Unsupported"/>.</remarks>
public interface IDomainPulls
{
    /// <summary>Begins to copy into the disk's own image what it still reads from those below, while the guest runs. At its good end the definition names only that image. Nothing happens while a job runs on the disk.</summary>
    /// <param name="uuid">A domain that runs or is paused.</param>
    /// <param name="target">The disk, such as <c>vda</c>.</param>
    /// <param name="cancellation">Gives the wait up.</param>
    Task BeginPullAsync(Guid uuid, string target, CancellationToken cancellation);

    /// <summary>How far the job on the disk is; null when none runs, be it done, failed, or the domain off.</summary>
    Task<PullProgress?> PullAsync(Guid uuid, string target, CancellationToken cancellation);
}
