using Quarterdeck.Operations;

namespace Quarterdeck.Hosts.Vms;

/// <summary>The room's kinds of operations.</summary>
internal static class VmKinds
{
    public static readonly OperationKind Create = new("vm.create", "Create VM", HostsPermissions.ManageVms);
    public static readonly OperationKind Edit = new("vm.edit", "Change VM", HostsPermissions.ManageVms);
    public static readonly OperationKind Delete = new("vm.delete", "Delete VM", HostsPermissions.ManageVms);
    public static readonly OperationKind Start = new("vm.start", "Start VM", HostsPermissions.PowerVms);
    public static readonly OperationKind Shutdown = new("vm.shutdown", "Shut VM down", HostsPermissions.PowerVms);
    public static readonly OperationKind Stop = new("vm.stop", "Stop VM", HostsPermissions.PowerVms);
    public static readonly OperationKind Reboot = new("vm.reboot", "Reboot VM", HostsPermissions.PowerVms);
    public static readonly OperationKind Pause = new("vm.pause", "Pause VM", HostsPermissions.PowerVms);
    public static readonly OperationKind Resume = new("vm.resume", "Resume VM", HostsPermissions.PowerVms);
    public static readonly OperationKind TakeSnapshot = new("vm.snapshot.create", "Take snapshot", HostsPermissions.SnapshotVms);
    public static readonly OperationKind Revert = new("vm.snapshot.revert", "Revert to snapshot", HostsPermissions.SnapshotVms);
    public static readonly OperationKind DeleteSnapshot = new("vm.snapshot.delete", "Delete snapshot", HostsPermissions.SnapshotVms);

    /// <summary>The kind of a power action.</summary>
    public static OperationKind Of(VmAction action) => action switch
    {
        VmAction.Start => Start,
        VmAction.Shutdown => Shutdown,
        VmAction.Stop => Stop,
        VmAction.Reboot => Reboot,
        VmAction.Pause => Pause,
        _ => Resume,
    };
}

/// <summary>Input of operations on an existing VM.</summary>
internal sealed record VmTarget(Guid VmId);

/// <summary>Input of <c>vm.delete</c>.</summary>
internal sealed record VmDeletion(Guid VmId, bool Disks);

/// <summary>Input of the operations on snapshots.</summary>
internal sealed record SnapshotTarget(Guid VmId, string Name, string Description);
