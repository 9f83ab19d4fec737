using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Restores.Planning;

/// <summary>Checks a request field by field and finds what it names.</summary>
internal sealed class RestoreCheck(RecoveryPoints points, HostConnections connections, HostRegistry hosts)
{
    private const int MostSeconds = 3600;

    /// <summary>The request with its point, VM and host.</summary>
    /// <param name="restore">What is asked for.</param>
    /// <param name="planning">A plan may be asked for before the new VM has a name.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Result<RestoreDraft>> CheckAsync(NewRestore restore, bool planning, CancellationToken cancellation)
    {
        if (Fields(restore, planning) is { Count: > 0 } errors) return Problem.Invalid(errors);
        if (restore.RepositoryId is { } wanted && await points.FindAsync(restore.RecoveryPointId, cancellation, wanted) is null && await points.FindAsync(restore.RecoveryPointId, cancellation) is { } elsewhere)
            return Problem.Invalid("repositoryId", $"The recovery point is not in that repository; it is in '{elsewhere.RepositoryName}'.", "Leave it out, or use the id of a repository that has the point.");
        if (await points.FindAsync(restore.RecoveryPointId, cancellation, restore.RepositoryId) is not { } point)
            return Problem.Invalid("recoveryPointId", $"There is no recovery point '{restore.RecoveryPointId}'.", "Use the id of a recovery point of the list; it may have expired.");
        LocatedVm? vm = null;
        var another = restore.Mode == RestoreMode.New || restore is { Mode: RestoreMode.Instant, Name: not null };
        if (!another)
        {
            var located = await connections.LocateAsync(point.VmId, cancellation);
            if (!located.TryGet(out vm, out var problem) && problem.Kind != ProblemKind.NotFound) return problem;
            // A disk that was resized while the VM is off is told by no event.
            if (vm is not null) vm = await connections.RefreshAsync(vm.Vm.HostId, vm.Domain, cancellation) is { } fresh ? vm with { Vm = fresh } : null;
            if (vm is null && restore.Mode == RestoreMode.Incremental)
                return Problem.Conflict("The VM is gone", $"'{point.VmName}' does not exist any more, so there are no disks to write differences to. Choose a full restore, which defines it again, or a new VM.");
            if (vm is not null && restore.Mode == RestoreMode.Instant)
            {
                if (!planning) return Problem.Invalid("name", $"'{point.VmName}' is there, so an instant restore makes another VM.", "Give that a name; or restore incrementally, which brings the VM itself back and moves only the difference.");
                another = true;
                vm = null;
            }
            if (vm is not null && restore.HostId is { } other && other != vm.Vm.HostId)
                return Problem.Invalid("hostId", "The VM is on another host.", "Leave it out; or restore as a new VM, which may be on any host of this machine.");
        }
        var hostId = restore.HostId ?? vm?.Vm.HostId ?? await HostOfAsync(point, cancellation);
        if (hostId is null) return Problem.Invalid("hostId", $"The host '{point.HostName}' of the recovery point is not known here.", "Name the host to restore to.");
        if (!(await hosts.GetAsync(Caller.System, hostId.Value, cancellation)).TryGet(out var host, out _))
            return Problem.Invalid("hostId", $"There is no host '{hostId}'.", "Use the id of a host of the list of hosts.");
        if (!connections.Get(host.Id).TryGet(out var hypervisor, out var away)) return away;
        var name = another ? restore.Name ?? $"{point.VmName} restored" : vm?.Vm.Name ?? point.VmName;
        if (vm is null && await hypervisor.DomainAsync(name, cancellation) is { } taken && !(another && restore.Name is null))
            return Problem.Conflict("The name is taken on the host", $"The host has a VM '{taken.Name}' already. {(another ? "Choose another name." : "Rename or remove that one, or restore as a new VM.")}");
        return new RestoreDraft(restore, point, vm, host, hypervisor, name) { Another = another };
    }

    private static List<FieldError> Fields(NewRestore restore, bool planning)
    {
        var errors = new List<FieldError>();
        if (!Enum.IsDefined(restore.Mode)) errors.Add(new FieldError("mode", "It is not known.", "Use incremental, full, new or instant."));
        if (restore.Mode == RestoreMode.New)
        {
            if ((restore.Name is not null || !planning) && VirtualMachines.CheckName(restore.Name, "name") is { } name) errors.Add(name);
        }
        else if (restore.Mode == RestoreMode.Instant)
        {
            if (restore.Name is not null && VirtualMachines.CheckName(restore.Name, "name") is { } name) errors.Add(name);
        }
        else if (restore.Name is not null) errors.Add(new FieldError("name", "Only a new VM gets a name.", "Leave it out, or use mode new or instant."));
        if (restore.Mode == RestoreMode.Incremental && restore.HostId is not null) errors.Add(new FieldError("hostId", "An incremental restore is made where the VM is.", "Leave it out."));
        if (restore.ShutdownSeconds is < 0 or > MostSeconds) errors.Add(new FieldError("shutdownSeconds", $"{restore.ShutdownSeconds} is not possible.", $"Give 0 (the power is cut at once) to {MostSeconds}."));
        return errors;
    }

    private async Task<Guid?> HostOfAsync(RecoveryPoint point, CancellationToken cancellation)
    {
        if ((await connections.LocateAsync(point.VmId, cancellation)).TryGet(out var vm, out _)) return vm.Vm.HostId;
        var named = await hosts.ListAsync(Caller.System, new PageQuery(1, PageQuery.MaxSize, Search: point.HostName), cancellation);
        return named.TryGet(out var page, out _) ? page.Items.FirstOrDefault(h => h.Name == point.HostName)?.Id : null;
    }
}
