using Quarterdeck.Access;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Backups.Jobs;

/// <summary>The VMs that jobs mean, as they are now.</summary>
internal sealed class JobVms(VirtualMachines vms)
{
    /// <summary>The VMs that a job protects, by name.</summary>
    public async Task<IReadOnlyList<Vm>> OfAsync(JobTargets targets, CancellationToken cancellation)
    {
        var found = new Dictionary<Guid, Vm>();
        if (targets.All) await AddAsync(new VmQuery());
        foreach (var host in targets.HostIds) await AddAsync(new VmQuery(HostId: host));
        foreach (var tag in targets.Tags) await AddAsync(new VmQuery(Tag: tag));
        foreach (var some in targets.VmIds.Chunk(PageQuery.MaxSize)) await AddAsync(new VmQuery(Ids: some));
        return [.. found.Values.Where(v => !targets.ExceptVmIds.Contains(v.Id)).OrderBy(v => v.Name, StringComparer.OrdinalIgnoreCase).ThenBy(v => v.Id)];

        async Task AddAsync(VmQuery query)
        {
            foreach (var vm in await AllAsync(query, cancellation)) found[vm.Id] = vm;
        }
    }

    /// <summary>Every VM of a query.</summary>
    public async Task<IReadOnlyList<Vm>> AllAsync(VmQuery query, CancellationToken cancellation)
    {
        var all = new List<Vm>();
        for (var number = 1; ; number++)
        {
            var page = (await vms.ListAsync(Caller.System, query, new PageQuery(number, PageQuery.MaxSize, "name"), cancellation)).Value;
            all.AddRange(page.Items);
            if (page.Items.Count < PageQuery.MaxSize) return all;
        }
    }
}
