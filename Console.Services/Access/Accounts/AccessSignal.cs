using Microsoft.Extensions.Hosting;
using Quarterdeck.Events;

namespace Quarterdeck.Access.Accounts;

/// <summary>Tells every node that users, sessions or tokens changed: what was remembered of them may be wrong now.</summary>
internal sealed class AccessSignal : BackgroundService
{
    private readonly EventBus _bus;
    private readonly EventStream<string> _stream;
    private long _version;

    public AccessSignal(EventBus bus)
    {
        _bus = bus;
        _stream = new EventStream<string>("access", item => item, (keys, _) => Task.FromResult(keys), bus);
    }

    /// <summary>Counts up with each change, here or on another node.</summary>
    internal long Version => Interlocked.Read(ref _version);

    /// <summary>Whether changes of other nodes arrive; while they don't, nothing may be remembered.</summary>
    internal bool Reliable => _bus.State.Health is LiveHealth.Connected;

    /// <summary>Raised after a change, on any thread.</summary>
    internal event Action? Raised;

    /// <summary>Call after the commit.</summary>
    internal void Changed()
    {
        Wake();
        _stream.Publish("changed");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            // A snapshot also comes after a gap: changes may have been missed, which is a change.
            await foreach (var _ in _stream.SubscribeAsync(_ => Task.FromResult<IReadOnlyList<string>>([]), stoppingToken)) Wake();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // the console stops
        }
    }

    private void Wake()
    {
        Interlocked.Increment(ref _version);
        Raised?.Invoke();
    }
}
