namespace Quarterdeck.Hosts.Libvirt;

/// <summary>Opens hypervisors; the seam between supervisors and libvirt, which tests fill with a fake.</summary>
internal interface IHypervisorDriver
{
    /// <summary>Connects. May take as long as the other side lets it: the caller bounds the wait, and a connection that comes too late is closed.</summary>
    Task<IHypervisorLink> OpenAsync(string uri, CancellationToken cancellation);
}

/// <summary>An open connection, as its supervisor sees it.</summary>
internal interface IHypervisorLink : IHypervisor
{
    /// <summary>Domains that changed since they were last taken; filled by events.</summary>
    DomainChanges Changes { get; }

    /// <summary>Ends with the reason when the connection is lost.</summary>
    Task<string> Closed { get; }

    /// <summary>Asks for a sign of life on a thread of its own.</summary>
    Task PingAsync(TimeSpan limit, CancellationToken cancellation);

    /// <summary>Fails every waiting call with <see cref="HypervisorError.Disconnected"/>, now; closes when its threads come back.</summary>
    void Abandon(string reason);
}

/// <summary>The set of changed domains: events add, one supervisor takes. Bounded by the number of domains, however many events come.</summary>
internal sealed class DomainChanges
{
    private readonly Lock _gate = new();
    private HashSet<Guid> _changed = [];
    private TaskCompletionSource _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Notes a change; never blocks.</summary>
    public void Add(Guid domain)
    {
        lock (_gate)
        {
            _changed.Add(domain);
            _signal.TrySetResult();
        }
    }

    /// <summary>Ends when there is something to take.</summary>
    public Task WaitAsync(CancellationToken cancellation)
    {
        lock (_gate) return _signal.Task.WaitAsync(cancellation);
    }

    /// <summary>Takes all.</summary>
    public IReadOnlyCollection<Guid> Take()
    {
        lock (_gate)
        {
            if (_signal.Task.IsCompleted) _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return Interlocked.Exchange(ref _changed, []);
        }
    }
}
