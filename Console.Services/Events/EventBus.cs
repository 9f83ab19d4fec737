using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Events.Nodes;
using Quarterdeck.Platform;

namespace Quarterdeck.Events;

/// <summary>What the bus tells a topic.</summary>
internal interface IBusTopic
{
    string Topic { get; }

    /// <summary>Another node changed these.</summary>
    void ChangedElsewhere(IReadOnlyList<string> keys);

    /// <summary>Something may have been missed.</summary>
    void Gap();
}

/// <summary>Carries the keys of changed items between nodes: PostgreSQL's NOTIFY; nothing to do on SQLite, which has one node.</summary>
public sealed partial class EventBus : BackgroundService
{
    private readonly ConcurrentDictionary<string, IBusTopic> _topics = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ILogger<EventBus> _logger;
    private readonly NodeLink? _link;
    private LiveState _state;

    /// <summary>The bus of this node; connects when the host starts it.</summary>
    public EventBus(ConsoleOptions options, TimeProvider time, ILogger<EventBus> logger)
    {
        (Time, _logger) = (time, logger);
        _link = options.Database is { } database ? new NodeLink(database, this, logger) : null;
        _state = _link is null ? new(LiveHealth.Connected, time.GetUtcNow(), null) : new(LiveHealth.Degraded, time.GetUtcNow(), "The way between the nodes is not open yet.");
    }

    /// <summary>Whether changes of other nodes arrive; pages show it when they don't.</summary>
    public LiveState State => _state;

    /// <summary>Raised after <see cref="State"/> changed, on any thread.</summary>
    public event Action<LiveState>? StateChanged;

    internal TimeProvider Time { get; }

    /// <summary>Cancelled when the host stops.</summary>
    internal CancellationToken Stopping => _stopping.Token;

    /// <summary>Whether there may be other nodes.</summary>
    internal bool IsShared => _link is not null;

    internal void Add(IBusTopic topic)
    {
        if (!_topics.TryAdd(topic.Topic, topic)) throw new InvalidOperationException($"There are two streams of the topic '{topic.Topic}'; register it as a singleton.");
    }

    internal void Announce(string topic, IReadOnlyList<string> keys) => _link!.Outbox.Add(topic, keys);

    internal void AnnounceAll(string topic) => _link!.Outbox.AddAll(topic);

    internal void Received(string topic, IReadOnlyList<string>? keys)
    {
        // An unknown topic is one of a newer version's: nobody here shows it.
        if (!_topics.TryGetValue(topic, out var known)) return;
        if (keys is null) known.Gap();
        else known.ChangedElsewhere(keys);
    }

    internal void Gap()
    {
        foreach (var topic in _topics.Values) topic.Gap();
    }

    internal void Became(LiveHealth health, string? reason)
    {
        if (_state.Health == health && _state.Reason == reason) return;
        _state = new LiveState(health, _state.Health == health ? _state.Since : Time.GetUtcNow(), reason);
        if (health is LiveHealth.Connected) Log.Connected(_logger);
        else Log.Degraded(_logger, reason!);
        foreach (var handler in StateChanged?.GetInvocationList().Cast<Action<LiveState>>() ?? [])
        {
            // A page that fails must not end live updates for all.
            try { handler(_state); }
            catch (Exception e) { Log.HandlerFailed(_logger, e); }
        }
    }

    internal void LoadFailed(Exception error, TimeSpan pause) => Log.LoadFailed(_logger, pause.TotalSeconds, error);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _link?.RunAsync(stoppingToken) ?? Task.CompletedTask;

    /// <summary>Says goodbye to the other nodes and ends.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await base.StopAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "A follower of the live updates' state failed.")]
        public static partial void HandlerFailed(ILogger logger, Exception error);

        [LoggerMessage(LogLevel.Information, "Live updates of other nodes arrive.")]
        public static partial void Connected(ILogger logger);

        [LoggerMessage(LogLevel.Warning, "Live updates of other nodes don't arrive: {Reason}")]
        public static partial void Degraded(ILogger logger, string reason);

        [LoggerMessage(LogLevel.Warning, "Changed items cannot be loaded; trying again in {Seconds} s.")]
        public static partial void LoadFailed(ILogger logger, double seconds, Exception error);
    }
}
