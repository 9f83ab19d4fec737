using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Plugins.Registry;
using Quarterdeck.Schedules;

namespace Quarterdeck.Plugins;

/// <summary>From a plug-in's own token to its caller at <c>/api/v1</c>: what was approved for it, and never more than an operator may.</summary>
/// <remarks>Nothing is remembered: what is disabled, uninstalled or not approved any more is refused with the next request.</remarks>
public sealed class PluginCallers
{
    /// <summary>How such tokens begin.</summary>
    public const string Prefix = TokenText.Plugin;

    private readonly TokenStore _tokens;
    private readonly TimeProvider _time;
    private readonly HashSet<string> _grantable;

    internal PluginCallers(TokenStore tokens, PermissionCatalogue catalogue, TimeProvider time)
    {
        (_tokens, _time) = (tokens, time);
        _grantable = [.. catalogue.All.Where(Grantable).Select(p => p.Key)];
    }

    /// <summary>Whether a plug-in can be given a permission at all: nothing of administration, and nothing that goes on when it is disabled or gone: tokens of its own, schedules.</summary>
    public static bool Grantable(Permission permission) =>
        permission.Minimum < Role.Administrator && permission != AccessPermissions.Self && permission != AccessPermissions.OwnTokens && permission != SchedulesPermissions.Manage;

    /// <summary>The caller behind a token; null when it is unknown, expired or revoked, or its plug-in is disabled or being removed.</summary>
    /// <param name="token">Beginning with <see cref="Prefix"/>.</param>
    /// <param name="requestId">Correlates audit entries with the request's log.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<Caller?> VerifyAsync(string token, string? requestId, CancellationToken cancellation)
    {
        if (!token.StartsWith(Prefix, StringComparison.Ordinal) || token.Length > 100 || await _tokens.FindTokensAsync(TokenText.Hash(token), cancellation) is not { } tokens) return null;
        if (tokens.Worth(token, _time.GetUtcNow()) is not (TokenWorth.Present or TokenWorth.Next)) return null;
        var scopes = Names(tokens.ApprovedCapabilities).Intersect(Names(tokens.Capabilities)).Where(_grantable.Contains).ToHashSet();
        return new Caller(CallerKind.Plugin, tokens.Id, tokens.Name, Role.Operator, scopes, requestId);
    }

    private static string[] Names(string json) => JsonSerializer.Deserialize<string[]>(json)!;
}
