using System.Security.Claims;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.AspNetCore.Components.Server.Circuits;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;

namespace Quarterdeck.Web.Access;

/// <summary>Who is signed in on a page or circuit. An open circuit asks again every few seconds, and at once after a change: when its session has ended, nobody is.</summary>
public sealed partial class CircuitAuthentication : ServerAuthenticationStateProvider, IDisposable
{
    private static readonly Task<AuthenticationState> Nobody = Task.FromResult(new AuthenticationState(new ClaimsPrincipal(new ClaimsIdentity())));
    private readonly SessionKeeper _sessions;
    private readonly AccessOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CircuitAuthentication> _logger;
    private readonly CancellationTokenSource _closed = new();
    private readonly SemaphoreSlim _asked = new(0, 1);
    private Caller? _caller;

    /// <summary>One for each circuit and each rendered page.</summary>
    public CircuitAuthentication(SessionKeeper sessions, IOptions<AccessOptions> options, TimeProvider time, ILogger<CircuitAuthentication> logger)
    {
        (_sessions, _options, _time, _logger) = (sessions, options.Value, time, logger);
        AuthenticationStateChanged += state => _caller = (IsSet = state.IsCompletedSuccessfully) ? CallerIdentity.Of(state.Result.User) : null;
    }

    /// <summary>Whether this scope is a page's or circuit's.</summary>
    public bool IsSet { get; private set; }

    internal Caller? Caller => _caller;

    /// <summary>Begins to watch the session; called when a circuit opens, not for pages that are only rendered.</summary>
    internal void Watch()
    {
        if (_caller?.SessionId is not { } session) return;
        _sessions.MayHaveEnded += Ask;
        _ = WatchAsync(session, _closed.Token);
    }

    private async Task WatchAsync(Guid session, CancellationToken closed)
    {
        try
        {
            var asked = _asked.WaitAsync(closed);
            while (await IsAliveAsync(session, closed))
                if (await Task.WhenAny(asked, Task.Delay(_options.SessionCheck, _time, closed)) == asked) asked = _asked.WaitAsync(closed);
            SetAuthenticationState(Nobody);
            Log.Ended(_logger, session);
        }
        catch (OperationCanceledException)
        {
            // the circuit closed
        }
    }

    private async Task<bool> IsAliveAsync(Guid session, CancellationToken closed)
    {
        try
        {
            return await _sessions.FindAsync(session, closed) is { } live && live.Role == _caller?.Role;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A database that is away for a while must not sign everybody out; rooms cannot answer either meanwhile.
            Log.CannotAsk(_logger, e);
            return true;
        }
    }

    private void Ask()
    {
        try
        {
            if (_asked.CurrentCount == 0) _asked.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // asked already, or closed
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sessions.MayHaveEnded -= Ask;
        _closed.Cancel(); // not disposed: the container knows this object by two types and calls twice
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Session {Session} has ended; its open page is signed out")]
        public static partial void Ended(ILogger logger, Guid session);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Whether a session still holds could not be asked; asking again")]
        public static partial void CannotAsk(ILogger logger, Exception error);
    }
}

/// <summary>Starts the watch of a circuit, and counts what its user does as use of the session.</summary>
internal sealed class SessionCircuit(CircuitAuthentication authentication, SessionKeeper sessions, TimeProvider time) : CircuitHandler
{
    private DateTimeOffset _touched = time.GetUtcNow();

    public override Task OnCircuitOpenedAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        authentication.Watch();
        return Task.CompletedTask;
    }

    public override Func<CircuitInboundActivityContext, Task> CreateInboundActivityHandler(Func<CircuitInboundActivityContext, Task> next) => async context =>
    {
        var now = time.GetUtcNow();
        if (now - _touched >= TimeSpan.FromMinutes(1) && authentication.Caller?.SessionId is { } session)
        {
            _touched = now;
            await sessions.TouchAsync(session, CancellationToken.None);
        }
        await next(context);
    };
}
