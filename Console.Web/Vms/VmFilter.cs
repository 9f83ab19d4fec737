using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Vms;

/// <summary>The filters of the VM list as REST and the page's address spell them.</summary>
internal static class VmFilter
{
    /// <summary>Fields the list sorts by.</summary>
    public static readonly string[] Sortable = ["name", "state", "host", "vcpus", "memoryMiB"];

    /// <summary>The query, or which filter is wrong; empty ones do not filter.</summary>
    public static Result<VmQuery> Read(string? hostId, string? state, string? tag)
    {
        var errors = new List<FieldError>();
        Guid? host = null;
        VmState? wanted = null;
        if (!string.IsNullOrEmpty(hostId))
        {
            if (Guid.TryParse(hostId, out var id)) host = id;
            else errors.Add(new("hostId", $"'{hostId}' is not an id.", "Send the id of a host, as GET /hosts lists it."));
        }
        if (!string.IsNullOrEmpty(state))
        {
            if (StateOf(state) is { } known) wanted = known;
            else errors.Add(new("state", $"There is no state '{state}'.", "Use one of running, paused, off, crashed."));
        }
        if (errors.Count > 0) return Problem.Invalid(errors);
        return new VmQuery(host, wanted, string.IsNullOrEmpty(tag) ? null : tag);
    }

    private static VmState? StateOf(string word) => word switch
    {
        "running" => VmState.Running,
        "paused" => VmState.Paused,
        "off" => VmState.Off,
        "crashed" => VmState.Crashed,
        _ => null,
    };
}
