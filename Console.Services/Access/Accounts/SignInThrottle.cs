using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Quarterdeck.Access.Accounts;

/// <summary>Slows guessing down, for each address and each name; and locks names that no user has like those of users, so that a lock does not tell which exist.</summary>
/// <remarks>In memory, of this node: what matters for good, a user's lock-out, is in the database.</remarks>
internal sealed class SignInThrottle(IOptions<AccessOptions> options, TimeProvider time)
{
    private const int Remembered = 10_000;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Fading = TimeSpan.FromDays(30); // a user's count never fades; a longer wait than this tells nobody anything
    private readonly ConcurrentDictionary<string, Window> _attempts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Window> _unknown = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Window> _locked = new(StringComparer.Ordinal);

    private readonly record struct Window(DateTimeOffset Ends, int Count);

    /// <summary>Counts an attempt before the password is looked at, so that a burst is counted too. False: too many in this minute.</summary>
    internal bool Allows(IPAddress? address, string normalizedName)
    {
        var byName = Count(_attempts, "n:" + normalizedName, Minute, +1) <= Math.Max(10, 2 * options.Value.LockoutAttempts);
        return (address is null || Count(_attempts, Key(address), Minute, +1) <= options.Value.AttemptsPerMinute) && byName;
    }

    /// <summary>It was the right password: the attempt does not count.</summary>
    internal void Succeeded(IPAddress? address, string normalizedName)
    {
        Count(_attempts, "n:" + normalizedName, Minute, -1);
        if (address is not null) Count(_attempts, Key(address), Minute, -1);
    }

    /// <summary>A wrong password for a name that no user has. True once the name is locked, as a user's would be: the count starts anew then, and does not fade before.</summary>
    internal bool FailedUnknown(string normalizedName)
    {
        if (Count(_unknown, normalizedName, Fading, +1) < options.Value.LockoutAttempts) return false;
        _unknown.TryRemove(normalizedName, out _);
        Count(_locked, normalizedName, options.Value.LockoutTime, +1);
        return true;
    }

    /// <summary>Whether a name that no user has is locked.</summary>
    internal bool IsLockedUnknown(string normalizedName) => _locked.TryGetValue(normalizedName, out var window) && window.Ends > time.GetUtcNow();

    private int Count(ConcurrentDictionary<string, Window> windows, string key, TimeSpan length, int by)
    {
        var now = time.GetUtcNow();
        if (windows.Count >= Remembered)
            foreach (var (old, window) in windows)
                if (window.Ends <= now) windows.TryRemove(old, out _);
        // Still full of live windows: an attack with countless names or addresses. Forgetting all lets it go on for a moment; remembering all would fill the memory.
        if (windows.Count >= Remembered) windows.Clear();
        return windows.AddOrUpdate(key, _ => new Window(now + length, Math.Max(0, by)),
            (_, w) => w.Ends > now ? w with { Count = Math.Max(0, w.Count + by) } : new Window(now + length, Math.Max(0, by))).Count;
    }

    /// <summary>One household or machine has a whole /64 of IPv6.</summary>
    private static string Key(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return "a:" + (address.AddressFamily is AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes(), 0, 8) : address.ToString());
    }
}
