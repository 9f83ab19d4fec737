using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Schedules;

namespace Quarterdeck.Hosts.Vms;

/// <summary>What schedules may do with a VM; the input is <c>{"vmId":"…"}</c>.</summary>
internal abstract class ScheduledVmAction(OperationKind kind, VirtualMachines vms, Func<Caller, Guid, CancellationToken, Task<Result<NewOperation>>> prepare) : IScheduledAction
{
    public string Key => kind.Key;

    public string Title => kind.Title;

    public Permission Permission => kind.Permission;

    public async Task<Result<ScheduledTarget>> TargetAsync(Caller caller, JsonElement input, CancellationToken cancellation)
    {
        var found = Vm(input) is { } id ? await vms.GetAsync(caller, id, cancellation) : Problem.NotFound("VM", "");
        return found.Problem is { Kind: ProblemKind.NotFound }
            ? Problem.Invalid("input.vmId", "There is no such VM.", "Send an id as GET /vms shows it.")
            : found.Then(vm => new ScheduledTarget($"vm:{vm.Id:D}", vm.Name));
    }

    public async Task<Result<NewOperation>> PrepareAsync(Caller caller, JsonElement input, CancellationToken cancellation) =>
        Vm(input) is { } id ? await prepare(caller, id, cancellation) : Problem.Invalid("input.vmId", "It is no id of a VM.", "Set the schedule anew.");

    private static Guid? Vm(JsonElement input) => input.TryGetProperty("vmId", out var value) && value.ValueKind is JsonValueKind.String && value.TryGetGuid(out var id) ? id : null;
}

internal sealed class ScheduledStart(VirtualMachines vms) : ScheduledVmAction(VmKinds.Start, vms, (caller, id, c) => vms.PowerAsync(caller, id, VmAction.Start, c));

internal sealed class ScheduledShutdown(VirtualMachines vms) : ScheduledVmAction(VmKinds.Shutdown, vms, (caller, id, c) => vms.PowerAsync(caller, id, VmAction.Shutdown, c));

internal sealed class ScheduledSnapshot(VirtualMachines vms) : ScheduledVmAction(VmKinds.TakeSnapshot, vms, (caller, id, c) => vms.SnapshotAsync(caller, id, new NewSnapshot(null), c));
