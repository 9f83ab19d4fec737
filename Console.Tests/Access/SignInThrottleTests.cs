using System.Net;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Access.Accounts;
using Quarterdeck.Database;

namespace Quarterdeck.Tests.Access;

public sealed class SignInThrottleTests
{
    private readonly Clock _clock = new();
    private readonly SignInThrottle _throttle;

    public SignInThrottleTests() => _throttle = new SignInThrottle(Options.Create(new AccessOptions()), _clock);

    [Fact]
    public void An_address_is_slowed_down_whatever_names_it_tries_and_a_whole_IPv6_network_counts_as_one()
    {
        for (var i = 0; i < 20; i++) _throttle.Allows(IPAddress.Parse($"2001:db8:0:1::{i}"), $"N{i}").ShouldBeTrue();
        _throttle.Allows(IPAddress.Parse("2001:db8:0:1:ffff::1"), "OTHER").ShouldBeFalse();
        _throttle.Allows(IPAddress.Parse("2001:db8:0:2::1"), "OTHER").ShouldBeTrue();
        _throttle.Allows(IPAddress.Parse("::ffff:192.0.2.1"), "X").ShouldBeTrue();
        _clock.Forward(TimeSpan.FromMinutes(1));
        _throttle.Allows(IPAddress.Parse("2001:db8:0:1::1"), "N1").ShouldBeTrue();
    }

    [Fact]
    public void A_name_is_slowed_down_whatever_addresses_are_used()
    {
        for (var i = 0; i < 10; i++) _throttle.Allows(IPAddress.Parse($"192.0.2.{i}"), "ADMIN").ShouldBeTrue();
        _throttle.Allows(IPAddress.Parse("192.0.2.99"), "ADMIN").ShouldBeFalse();
        _throttle.Allows(IPAddress.Parse("192.0.2.99"), "NORA").ShouldBeTrue();
    }

    [Fact]
    public void Who_signs_in_rightly_is_not_slowed_down()
    {
        for (var i = 0; i < 100; i++)
        {
            _throttle.Allows(IPAddress.Loopback, "ADMIN").ShouldBeTrue();
            _throttle.Succeeded(IPAddress.Loopback, "ADMIN");
        }
    }

    [Fact]
    public void Ten_thousand_names_fill_no_memory()
    {
        for (var i = 0; i < 30_000; i++) _throttle.Allows(null, "N" + i);
        _throttle.Allows(null, "ADMIN").ShouldBeTrue();
    }

    /// <summary>Slow guessing must not tell the two apart either: the same steps, side by side.</summary>
    [Fact]
    public async Task A_name_without_a_user_locks_and_unlocks_at_the_same_steps_as_one_with()
    {
        await using var room = await AccessRoom.OpenAsync(DatabaseEngine.Sqlite);
        var throttle = room.Get<SignInThrottle>();
        await using var scope = room.Services.CreateAsyncScope();
        var manager = scope.ServiceProvider.GetRequiredService<UserManager<UserAccount>>();
        foreach (var minutes in (int[])[0, 1, 6, 400, 0, 1, 4, 1, 0, 0, 0, 0, 2, 6])
        {
            room.Time.Forward(TimeSpan.FromMinutes(minutes));
            var user = (await manager.FindByNameAsync("admin"))!;
            // Identity compares with the system's clock, so the end is compared here.
            var lockedUser = user.LockoutEnd > room.Time.GetUtcNow();
            throttle.IsLockedUnknown("NOBODY").ShouldBe(lockedUser, $"after {minutes} min");
            if (lockedUser) continue;
            await manager.AccessFailedAsync(user);
            var locks = user.AccessFailedCount == 0;
            if (locks) await manager.SetLockoutEndDateAsync(user, room.Time.GetUtcNow() + new AccessOptions().LockoutTime);
            throttle.FailedUnknown("NOBODY").ShouldBe(locks);
        }
    }
}
