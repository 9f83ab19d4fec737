using Microsoft.Extensions.Logging;
using Npgsql;
using Quarterdeck.Database;

namespace Quarterdeck.Events.Nodes;

/// <summary>LISTEN and NOTIFY on two connections of its own, outside the pool, reconnected for ever.</summary>
internal sealed partial class NodeLink(string database, EventBus bus, ILogger logger)
{
    private const string Channel = "quarterdeck_events";
    private static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Vanished = TimeSpan.FromSeconds(20);

    private readonly string _connection = new NpgsqlConnectionStringBuilder(database)
    {
        Pooling = false,
        ApplicationName = "quarterdeck-events",
        Timeout = 5,
        CommandTimeout = 5,
        TcpKeepAlive = true,
    }.ConnectionString;
    private readonly string _node = Guid.NewGuid().ToString("N")[..12];
    private readonly Dictionary<string, long> _peers = []; // node -> when it was last heard; used by the listener only
    private bool _told = true;

    /// <summary>What other nodes must hear of.</summary>
    public Outbox Outbox { get; } = new();

    /// <summary>Listens and tells until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellation) => Task.WhenAll(
        RepeatAsync(ListenAsync, broken: reason => bus.Became(LiveHealth.Degraded, reason), cancellation),
        RepeatAsync(TellAsync, broken: CannotTell, cancellation));

    private async Task RepeatAsync(Func<NpgsqlConnection, Action, CancellationToken, Task> work, Action<string> broken, CancellationToken cancellation)
    {
        var pause = TimeSpan.Zero;
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await using var connection = new NpgsqlConnection(_connection);
                await connection.OpenAsync(cancellation);
                await work(connection, () => pause = TimeSpan.Zero, cancellation);
            }
            catch (Exception e) when (cancellation.IsCancellationRequested && e is OperationCanceledException or NpgsqlException) { return; }
            catch (Exception e)
            {
                // Whatever it was, live updates have to come back; nobody else would restart them.
                broken(DatabaseUnavailableException.From(e)?.Reason ?? e.Message);
            }
            // 0.1, 0.2 … 5 s, with jitter so that the nodes don't all come at once to a database that has just started.
            pause = TimeSpan.FromSeconds(Math.Clamp(pause.TotalSeconds * 2, 0.1, 5));
            try { await Task.Delay(pause * (0.75 + Random.Shared.NextDouble() / 2), bus.Time, cancellation); }
            catch (OperationCanceledException) { return; }
        }
    }

    private async Task ListenAsync(NpgsqlConnection connection, Action worked, CancellationToken cancellation)
    {
        connection.Notification += (_, e) => Receive(e.Payload);
        await using var listen = new NpgsqlCommand($"LISTEN {Channel}", connection);
        await listen.ExecuteNonQueryAsync(cancellation);
        // Only now nothing new is missed; what was missed before, the snapshots bring.
        _peers.Clear();
        bus.Gap();
        bus.Became(LiveHealth.Connected, null);
        worked();
        await using var alive = new NpgsqlCommand("SELECT 1", connection);
        while (true)
        {
            if (!await connection.WaitAsync(SignOfLife, cancellation)) await alive.ExecuteNonQueryAsync(cancellation);
            ForgetVanished();
        }
    }

    private void Receive(string payload)
    {
        if (Notice.Read(payload) is not { } notice || notice.Node == _node) return;
        if (notice.Leaving) _peers.Remove(notice.Node);
        else _peers[notice.Node] = bus.Time.GetTimestamp();
        if (notice.Topic is not null) bus.Received(notice.Topic, notice.Keys);
    }

    // A node that was killed may have committed a change and not told of it.
    private void ForgetVanished()
    {
        foreach (var (node, heard) in _peers)
        {
            if (bus.Time.GetElapsedTime(heard) < Vanished) continue;
            _peers.Remove(node);
            Log.NodeVanished(logger, node);
            bus.Gap();
        }
    }

    // Once for each time that it breaks, not for each attempt.
    private void CannotTell(string reason)
    {
        if (_told) Log.CannotTell(logger, reason);
        _told = false;
    }

    private async Task TellAsync(NpgsqlConnection connection, Action worked, CancellationToken cancellation)
    {
        await SendAsync(connection, [new Notice(_node).Write()], cancellation);
        _told = true;
        worked();
        try
        {
            while (true)
            {
                await Outbox.WaitAsync(SignOfLife, cancellation);
                var taken = Outbox.Take();
                try { await SendAsync(connection, taken.Count > 0 ? Write(taken) : [new Notice(_node).Write()], cancellation); }
                catch
                {
                    Outbox.PutBack(taken);
                    throw;
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await SendAsync(connection, [.. Write(Outbox.Take()), new Notice(_node, Leaving: true).Write()], CancellationToken.None);
            throw;
        }
    }

    private string[] Write(IReadOnlyDictionary<string, HashSet<string>?> topics) => [.. topics.SelectMany(t => Notice.Of(_node, t.Key, t.Value))];

    private static async Task SendAsync(NpgsqlConnection connection, string[] payloads, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand($"SELECT pg_notify('{Channel}', payload) FROM unnest($1) AS payload", connection);
        command.Parameters.AddWithValue(payloads);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Other nodes cannot be told of changes; they are kept and told later: {Reason}")]
        public static partial void CannotTell(ILogger logger, string reason);

        [LoggerMessage(LogLevel.Information, "The node {Node} has not been heard of; reading everything again in case it did not tell its last changes.")]
        public static partial void NodeVanished(ILogger logger, string node);
    }
}
