using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts;

/// <summary>The VMs of all hosts, and what can be done with them. What takes longer answers the id of an operation.</summary>
public sealed class VirtualMachines
{
    /// <summary>A page of VMs; sort by <c>name</c> (default), <c>state</c>, <c>host</c>, <c>vcpus</c>, <c>memoryMiB</c>; search in name, id and tags.</summary>
    public Task<Result<Page<Vm>>> ListAsync(Caller caller, VmQuery query, PageQuery page, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>How many match, by state.</summary>
    public Task<Result<VmCounts>> CountAsync(Caller caller, VmQuery query, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>One VM.</summary>
    public Task<Result<Vm>> GetAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Every tag that some VM has, sorted.</summary>
    public Task<Result<IReadOnlyList<string>>> TagsAsync(Caller caller, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Queues <c>vm.create</c>; its result is <c>{vmId}</c>. Answers the operation's id.</summary>
    public Task<Result<Guid>> CreateAsync(Caller caller, NewVm vm, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Changes a VM now; says what holds only from its next start.</summary>
    public Task<Result<VmEdited>> EditAsync(Caller caller, Guid id, VmChange change, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Queues a power action; answers the operation's id.</summary>
    public Task<Result<Guid>> ActAsync(Caller caller, Guid id, VmAction action, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Queues <c>vm.delete</c>. With <paramref name="disks"/> its disks go too, except such as other VMs use or no pool holds. Answers the operation's id.</summary>
    public Task<Result<Guid>> DeleteAsync(Caller caller, Guid id, bool disks, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>The VM's snapshots, oldest first.</summary>
    public Task<Result<IReadOnlyList<VmSnapshot>>> SnapshotsAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Queues <c>vm.snapshot.create</c>; answers the operation's id.</summary>
    public Task<Result<Guid>> TakeSnapshotAsync(Caller caller, Guid id, NewSnapshot snapshot, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Queues <c>vm.snapshot.revert</c>; answers the operation's id.</summary>
    public Task<Result<Guid>> RevertAsync(Caller caller, Guid id, string snapshot, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Queues <c>vm.snapshot.delete</c>; answers the operation's id.</summary>
    public Task<Result<Guid>> DeleteSnapshotAsync(Caller caller, Guid id, string snapshot, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>The VM's use over the last hour.</summary>
    public Task<Result<VmMetrics>> MetricsAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>A two-way stream to the VM's screen, speaking RFB; dispose it to hang up. Conflict when it is off or has no screen, Unavailable when its host is away.</summary>
    public Task<Result<Stream>> OpenConsoleAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>A picture of the VM's screen, PNG.</summary>
    public Task<Result<byte[]>> ScreenshotAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();
}
