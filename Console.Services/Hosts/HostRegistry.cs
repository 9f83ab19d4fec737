using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts;

/// <summary>The hosts that the console manages.</summary>
public sealed class HostRegistry
{
    /// <summary>A page of hosts; sort by <c>name</c> (default), <c>uri</c>, <c>state</c>; search in name and URI.</summary>
    public Task<Result<Page<HostInfo>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>One host.</summary>
    public Task<Result<HostInfo>> GetAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Adds a host and begins to connect; it is <c>disconnected</c> until its hypervisor answers. Invalid for a URI outside the allow-list, Conflict for a name or URI that is there already.</summary>
    public Task<Result<HostInfo>> AddAsync(Caller caller, NewHost host, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Renames a host, or takes it into or out of maintenance.</summary>
    public Task<Result<HostInfo>> EditAsync(Caller caller, Guid id, HostChange change, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Forgets a host and its VMs; nothing is changed on it.</summary>
    public Task<Result<Done>> RemoveAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Tries a disconnected host now rather than after its back-off.</summary>
    public Task<Result<HostInfo>> ReconnectAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>The host's storage pools.</summary>
    public Task<Result<IReadOnlyList<PoolInfo>>> PoolsAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>The host's libvirt networks.</summary>
    public Task<Result<IReadOnlyList<NetworkInfo>>> NetworksAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();
}
