using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Hosts.Libvirt;

namespace Quarterdeck.Hosts.Supervision;

/// <summary>What is known about one host in this process: its connection when there is one, or why there is none.</summary>
internal sealed class HostSession(Guid id, string name, string uri, HostMirror mirror) : IDisposable
{
    private readonly SemaphoreSlim _kick = new(0, 1);
    private TaskCompletionSource<HostFacts> _probed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Guid Id => id;

    public string Uri => uri;

    /// <summary>For messages; changes when the host is renamed.</summary>
    public string Name { get; set; } = name;

    public HostMirror Mirror => mirror;

    public UseHistory History { get; } = new();

    /// <summary>The connection, once its inventory is read; null while there is none.</summary>
    public IHypervisorLink? Link { get; set; }

    /// <summary>What is stored about it.</summary>
    public HostFacts Facts { get; set; } = new(false, HostInfo.Connecting, null, 0, 0, Acceleration.Unknown, null, null);

    /// <summary>Whether the first attempt to reach it has ended, well or not.</summary>
    public bool Tried { get; set; }

    /// <summary>Whether the stored facts are from this process.</summary>
    public bool Said { get; set; }

    /// <summary>The hypervisor whose acceleration was probed.</summary>
    public string? ProbedVersion { get; set; }

    /// <summary>Ends when the probe of its acceleration has.</summary>
    public Task<HostFacts> Probed => _probed.Task;

    public void SetProbed(HostFacts facts)
    {
        if (!_probed.TrySetResult(facts)) (_probed = new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult(facts);
    }

    /// <summary>Ends the wait before the next attempt.</summary>
    public void Kick()
    {
        try { _kick.Release(); }
        catch (SemaphoreFullException) { /* kicked already */ }
    }

    /// <summary>Waits for a kick, at most so long.</summary>
    public Task WaitAsync(TimeSpan most, CancellationToken cancellation) => _kick.WaitAsync(most, cancellation);

    public void Dispose()
    {
        _kick.Dispose();
        mirror.Dispose();
    }
}
