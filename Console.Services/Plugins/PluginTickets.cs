using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Registry;

namespace Quarterdeck.Plugins;

/// <summary>What a valid ticket lets in.</summary>
/// <param name="Plugin">The plug-in as it is now.</param>
/// <param name="Caller">Whose login session it belongs to, with the role of this moment.</param>
/// <param name="ExpiresAt">Ends then, unless it is used before.</param>
public sealed record PluginVisit(Plugin Plugin, Caller Caller, DateTimeOffset ExpiresAt);

/// <summary>Tickets to a plug-in's own pages: 256 random bits in the address, because a frame without an origin has no cookies.</summary>
/// <remarks>A ticket belongs to one login session and one plug-in. It ends an hour after its last use, with its session (also on another node), and when the plug-in is disabled or removed. Only its SHA-256 is stored.</remarks>
public sealed class PluginTickets
{
    /// <summary>How long a ticket holds after its last use.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromHours(1);

    private const int Length = 43; // 32 bytes in base64url
    private static readonly TimeSpan Renewal = TimeSpan.FromMinutes(5);
    private readonly VisitStore _store;
    private readonly PluginStore _plugins;
    private readonly SessionKeeper _sessions;
    private readonly Guard _guard;
    private readonly AuditLog _audit;
    private readonly TimeProvider _time;

    internal PluginTickets(VisitStore store, PluginStore plugins, SessionKeeper sessions, Guard guard, AuditLog audit, TimeProvider time) =>
        (_store, _plugins, _sessions, _guard, _audit, _time) = (store, plugins, sessions, guard, audit, time);

    /// <summary>Whether a plug-in's pages and contributions are shown: it has enrolled and is not turned off.</summary>
    public static bool Shows(Plugin plugin) => plugin.State is PluginState.Ready or PluginState.Degraded or PluginState.Unreachable;

    /// <summary>A new ticket for the caller's login session.</summary>
    /// <param name="caller">A page's caller.</param>
    /// <param name="pluginId">The plug-in.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>Forbidden without <see cref="PluginPermissions.Open"/> or without a login session (an API token has none), Conflict when the plug-in has no pages or is not shown now.</returns>
    public async Task<Result<string>> IssueAsync(Caller caller, Guid pluginId, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, PluginPermissions.Open, $"plugin:{pluginId:D}", cancellation) is { } refused) return refused;
        if (caller.SessionId is not { } session) return Problem.Forbidden("A plug-in's pages are opened from a login session, not with a token.");
        if ((await _plugins.FindAsync(pluginId, cancellation))?.ToPlugin() is not { } plugin) return Problem.NotFound("plug-in", pluginId);
        if (plugin.Ui is null) return Problem.Conflict("The plug-in has no pages", $"{plugin.Name} brings no pages of its own.");
        if (!Shows(plugin)) return Problem.Conflict("The plug-in is closed", $"{plugin.Name} is {plugin.State.ToString().ToLowerInvariant()}, so its pages are not shown.");
        var ticket = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        await _store.AddAsync(Hash(ticket), pluginId, session, _time.GetUtcNow() + Life, cancellation);
        await _audit.WriteAsync(caller, "plugin.open", $"plugin:{pluginId:D}", plugin.Name, null, null, cancellation);
        return ticket;
    }

    /// <summary>What a ticket lets in now, which counts as its use; null when it lets nobody in (any more).</summary>
    public async Task<PluginVisit?> FindAsync(string ticket, CancellationToken cancellation)
    {
        if (ticket.Length != Length || !Base64Url.IsValid(ticket)) return null;
        var until = _time.GetUtcNow() + Life;
        if (await _store.FindAsync(Hash(ticket), until - Renewal, until, cancellation) is not { } row) return null;
        if (await _sessions.FindAsync(row.SessionId, cancellation) is not { } session || !session.Caller.May(PluginPermissions.Open)) return null;
        var plugin = (await _plugins.FindAsync(row.PluginId, cancellation))?.ToPlugin();
        return plugin is { Ui: not null } && Shows(plugin) ? new PluginVisit(plugin, session.Caller, row.ExpiresAt) : null;
    }

    private static string Hash(string ticket) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(ticket)));
}
