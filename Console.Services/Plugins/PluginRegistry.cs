using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Plugins;

/// <summary>The plug-ins: reading them, and their life cycle.</summary>
public sealed class PluginRegistry
{
    /// <summary>One page of plug-ins by name, or by <c>key</c>, <c>vendor</c>, <c>state</c>, <c>createdAt</c>. The search looks into key, name and vendor.</summary>
    public Task<Result<Page<Plugin>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>One plug-in.</summary>
    public Task<Result<Plugin>> GetAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>The plug-in of a VM, or null when it is none.</summary>
    public Task<Result<Plugin?>> OfVmAsync(Caller caller, Guid vmId, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Queues: accept its token again, and start its VM when that is off. Returns the operation's id.</summary>
    public Task<Result<Guid>> EnableAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Queues: refuse its token from now on, and shut its VM down if <paramref name="stopVm"/>. Returns the operation's id.</summary>
    public Task<Result<Guid>> DisableAsync(Caller caller, Guid id, bool stopVm, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Queues: remove its VM with disks and environment, its token and its rows; works when the VM is gone. Returns the operation's id.</summary>
    public Task<Result<Guid>> UninstallAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();
}
