using System.Net;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access.Accounts;

namespace Quarterdeck.Access;

/// <summary>How an attempt to sign in ended.</summary>
public enum SignInOutcome
{
    /// <summary>The cookie is in the answer.</summary>
    SignedIn,
    /// <summary>Name or password is wrong, or the user is disabled.</summary>
    Wrong,
    /// <summary>Too many wrong passwords for this name, whether or not there is such a user.</summary>
    Locked,
    /// <summary>Too many attempts in this minute, from this address or for this name.</summary>
    TooMany,
}

/// <summary>Signs a user in with a password. Answers take the same time and words whether or not the name exists.</summary>
public sealed partial class SignIn
{
    private readonly SignInManager<UserAccount> _manager;
    private readonly Passwords _passwords;
    private readonly SignInThrottle _throttle;
    private readonly AuditLog _audit;
    private readonly AccessOptions _options;
    private readonly ILogger<SignIn> _logger;
    private readonly TimeProvider _time;

    internal SignIn(SignInManager<UserAccount> manager, Passwords passwords, SignInThrottle throttle, AuditLog audit, IOptions<AccessOptions> options, ILogger<SignIn> logger, TimeProvider time) =>
        (_manager, _passwords, _throttle, _audit, _options, _logger, _time) = (manager, passwords, throttle, audit, options.Value, logger, time);

    /// <summary>How long a name stays locked.</summary>
    public TimeSpan LockoutTime => _options.LockoutTime;

    /// <summary>Checks the password and, when right, opens a session whose cookie goes into the present HTTP answer.</summary>
    /// <param name="name">User name, in any case.</param>
    /// <param name="password">The password.</param>
    /// <param name="address">Where the request came from.</param>
    /// <param name="requestId">Correlates with the log.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<SignInOutcome> WithPasswordAsync(string name, string password, IPAddress? address, string? requestId, CancellationToken cancellation)
    {
        var normalized = _manager.UserManager.NormalizeName(name) ?? "";
        if (normalized.Length > 64 || password.Length > 256) return SignInOutcome.Wrong;
        if (!_throttle.Allows(address, normalized))
        {
            Log.TooMany(_logger, address);
            return SignInOutcome.TooMany;
        }
        var user = await _manager.UserManager.FindByNameAsync(name);
        if (user is null || user.Disabled || user.PasswordHash is null) return await UnknownAsync(normalized, password, address, requestId, cancellation);
        var result = await _manager.PasswordSignInAsync(user, password, isPersistent: false, lockoutOnFailure: true);
        if (result.Succeeded)
        {
            _throttle.Succeeded(address, normalized);
            await SignedInAsync(user, address, requestId, cancellation);
            return SignInOutcome.SignedIn;
        }
        var outcome = result.IsLockedOut ? SignInOutcome.Locked : SignInOutcome.Wrong;
        await RefusedAsync(user.UserName, $"user:{user.Id}", outcome, address, requestId, cancellation);
        return outcome;
    }

    private async Task SignedInAsync(UserAccount user, IPAddress? address, string? requestId, CancellationToken cancellation)
    {
        user.LastLoginAt = _time.GetUtcNow();
        await _manager.UserManager.UpdateAsync(user);
        var caller = new Caller(CallerKind.User, user.Id, user.UserName, user.Role, RequestId: requestId) { UserId = user.Id };
        await _audit.WriteAsync(caller, "session.start", $"user:{user.Id}", user.UserName, null, new { address = address?.ToString() }, cancellation);
    }

    private async Task<SignInOutcome> UnknownAsync(string normalized, string password, IPAddress? address, string? requestId, CancellationToken cancellation)
    {
        if (_throttle.IsLockedUnknown(normalized)) return SignInOutcome.Locked;
        _passwords.VerifyNothing(password);
        var outcome = _throttle.FailedUnknown(normalized) ? SignInOutcome.Locked : SignInOutcome.Wrong;
        // Not the name: people type their password into the wrong field.
        await RefusedAsync(null, "user", outcome, address, requestId, cancellation);
        return outcome;
    }

    private Task RefusedAsync(string? name, string target, SignInOutcome outcome, IPAddress? address, string? requestId, CancellationToken cancellation) =>
        _audit.RefusedAsync(new Caller(CallerKind.User, null, name ?? "unknown", Role.Viewer, RequestId: requestId), "session.start", target,
            $"{(outcome is SignInOutcome.Locked ? "Locked after too many wrong passwords" : "Wrong name or password")}, from {address?.ToString() ?? "an unknown address"}.", cancellation);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Too many sign-in attempts in a minute, the last from {Address}")]
        public static partial void TooMany(ILogger logger, IPAddress? address);
    }
}
