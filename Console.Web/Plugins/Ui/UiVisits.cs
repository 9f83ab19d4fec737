using System.Collections.Concurrent;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>The tickets in use on this node. What one let in is remembered for two seconds, and what it keeps open is cut when it ends: by sign-out, by disabling, by time.</summary>
/// <remarks>A change made here cuts at once; one made on another node within <see cref="Check"/>.</remarks>
internal sealed partial class UiVisits(PluginTickets tickets, SessionKeeper sessions, EventStream<Plugin> plugins, TimeProvider time, ILogger<UiVisits> logger) : BackgroundService
{
    /// <summary>Requests that one ticket may have open at the same time.</summary>
    public const int MostAtOnce = 128;

    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2), Check = TimeSpan.FromSeconds(3), Idle = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, Door> _doors = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(Guid Session, Guid Plugin), string> _given = new();
    private readonly SemaphoreSlim _changed = new(0, 1);

    /// <summary>The caller's ticket to a plug-in: the one that its session has on this node already, or a new one.</summary>
    /// <returns>As <see cref="PluginTickets.IssueAsync"/>.</returns>
    public async Task<Result<string>> TicketAsync(Caller caller, Guid pluginId, CancellationToken cancellation)
    {
        if (caller.SessionId is not { } session || !caller.May(PluginPermissions.Open)) return await tickets.IssueAsync(caller, pluginId, cancellation);
        if (_given.TryGetValue((session, pluginId), out var known) && await tickets.FindAsync(known, cancellation) is not null) return known;
        var issued = await tickets.IssueAsync(caller, pluginId, cancellation);
        if (issued.TryGet(out var ticket, out _)) _given[(session, pluginId)] = ticket;
        return issued;
    }

    /// <summary>Lets a request in; dispose the pass when it has ended. Null when the ticket lets nobody in; <see cref="Pass.Crowded"/> when it has too many open.</summary>
    public async ValueTask<Pass?> EnterAsync(string ticket, CancellationToken cancellation)
    {
        while (true)
        {
            if (!_doors.TryGetValue(ticket, out var door))
            {
                if (await tickets.FindAsync(ticket, cancellation) is not { } visit) return null;
                door = _doors.GetOrAdd(ticket, _ => new Door(visit, time.GetTimestamp()));
            }
            else if (time.GetElapsedTime(door.CheckedAt) > Fresh && !await AskAsync(ticket, door)) return null;
            if (door.TryEnter() is { } pass) return pass;
            _doors.TryRemove(new(ticket, door)); // it was left just now
        }
    }

    /// <summary>Asks whether the ticket still holds, once for all who want to know.</summary>
    private Task<bool> AskAsync(string ticket, Door door) => door.Asking(async () =>
    {
        var asked = time.GetTimestamp();
        try
        {
            if (await tickets.FindAsync(ticket, CancellationToken.None) is { } visit)
            {
                door.Holds(visit, asked);
                return true;
            }
        }
        catch (Exception e)
        {
            // A database that is away for a while must not end what is open; nobody can sign out meanwhile either.
            Log.CannotAsk(logger, e);
            return true;
        }
        _doors.TryRemove(new(ticket, door));
        door.Shut();
        return false;
    });

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        sessions.MayHaveEnded += Doubt;
        var following = FollowAsync(stoppingToken);
        try
        {
            while (true)
            {
                await _changed.WaitAsync(Check, stoppingToken);
                foreach (var (ticket, door) in _doors)
                {
                    if (door.IsBusy) await AskAsync(ticket, door);
                    else if (time.GetElapsedTime(door.CheckedAt) > Idle && door.TryLeave()) _doors.TryRemove(new(ticket, door));
                }
                foreach (var (whose, ticket) in _given)
                    if (!_doors.ContainsKey(ticket) && await IsGoneAsync(ticket)) _given.TryRemove(new(whose, ticket));
            }
        }
        catch (OperationCanceledException)
        {
            // the console stops
        }
        finally
        {
            sessions.MayHaveEnded -= Doubt;
            await following;
        }
    }

    private async Task FollowAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await foreach (var _ in plugins.SubscribeAsync(_ => Task.FromResult<IReadOnlyList<Plugin>>([]), stopping)) Doubt();
            }
            catch (OperationCanceledException) { return; }
            catch (Exception e)
            {
                Log.CannotAsk(logger, e);
                await Task.Delay(Check, time, CancellationToken.None);
            }
        }
    }

    private async Task<bool> IsGoneAsync(string ticket)
    {
        try { return await tickets.FindAsync(ticket, CancellationToken.None) is null; }
        catch (Exception e)
        {
            Log.CannotAsk(logger, e);
            return false;
        }
    }

    private void Doubt()
    {
        foreach (var (_, door) in _doors) door.Doubt();
        try { _changed.Release(); }
        catch (SemaphoreFullException) { /* it looks already */ }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Whether a plug-in's pages may still be shown could not be asked; asking again")]
        public static partial void CannotAsk(ILogger logger, Exception error);
    }
}
