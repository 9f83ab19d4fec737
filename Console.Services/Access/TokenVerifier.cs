using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Access.Accounts;
using Quarterdeck.Access.Tokens;
using Quarterdeck.Platform;

namespace Quarterdeck.Access;

/// <summary>From a bearer token to its caller. Lookups are remembered until anything changes on any node; uses are written together.</summary>
public sealed partial class TokenVerifier : BackgroundService
{
    private const int Remembered = 10_000;
    private static readonly TimeSpan WriteEvery = TimeSpan.FromSeconds(10);
    private readonly TokenStore _store;
    private readonly AccessSignal _signal;
    private readonly byte[]? _admin;
    private readonly ILogger<TokenVerifier> _logger;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, (long Version, TokenStore.Known Token)> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Guid, DateTimeOffset> _uses = [];

    internal TokenVerifier(TokenStore store, AccessSignal signal, ConsoleOptions options, ILogger<TokenVerifier> logger, TimeProvider time)
    {
        (_store, _signal, _logger, _time) = (store, signal, logger, time);
        _admin = options.AdminToken is { } token ? SHA256.HashData(Encoding.UTF8.GetBytes(token)) : null;
    }

    /// <summary>The caller behind a token; null when it is unknown, expired or revoked, or its owner is disabled.</summary>
    public async ValueTask<Caller?> VerifyAsync(string secret, string? requestId, CancellationToken cancellation)
    {
        if (_admin is not null && CryptographicOperations.FixedTimeEquals(_admin, SHA256.HashData(Encoding.UTF8.GetBytes(secret))))
            return new Caller(CallerKind.Token, null, "administrator token", Role.Administrator, RequestId: requestId);
        if (!secret.StartsWith(TokenStore.Prefix, StringComparison.Ordinal) || secret.Length > 100) return null;
        if (await FindAsync(TokenStore.Hash(secret), cancellation) is not { } token) return null;
        var now = _time.GetUtcNow();
        if (token.ExpiresAt <= now) return null;
        _uses[token.Id] = now;
        var role = token.OwnerRole is { } owner && owner < token.Role ? owner : token.Role;
        var scopes = token.Scopes is null ? null : JsonSerializer.Deserialize<HashSet<string>>(token.Scopes);
        return new Caller(CallerKind.Token, token.Id, token.Name, role, scopes, requestId) { UserId = token.OwnerId };
    }

    private async ValueTask<TokenStore.Known?> FindAsync(string hash, CancellationToken cancellation)
    {
        // Read before the query: a change during it makes the answer outdated, never the other way round.
        var version = _signal.Version;
        if (_signal.Reliable && _known.TryGetValue(hash, out var known) && known.Version == version) return known.Token;
        var token = await _store.FindAsync(hash, cancellation);
        if (_known.Count >= Remembered) _known.Clear();
        if (token is null) _known.TryRemove(hash, out _);
        else _known[hash] = (version, token);
        return token;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(WriteEvery, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await WriteUsesAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await WriteUsesAsync(CancellationToken.None);
        }
    }

    internal async Task WriteUsesAsync(CancellationToken cancellation)
    {
        var uses = _uses.ToArray();
        if (uses.Length == 0) return;
        try
        {
            await _store.UsedAsync([.. uses.Select(u => (u.Key, u.Value))], cancellation);
            foreach (var use in uses) _uses.TryRemove(use);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.NotWritten(_logger, e); // kept, and written with the next ones
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "When API tokens were last used could not be written; it is tried again")]
        public static partial void NotWritten(ILogger logger, Exception error);
    }
}
