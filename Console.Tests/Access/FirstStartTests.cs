using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Access.Accounts;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Access;

public sealed class FirstStartTests
{
    private static async Task<bool> OpensAsync(AccessRoom room, string name, string password)
    {
        await using var scope = room.Services.CreateAsyncScope();
        var manager = scope.ServiceProvider.GetRequiredService<UserManager<UserAccount>>();
        return await manager.FindByNameAsync(name) is { } user && await manager.CheckPasswordAsync(user, password) && !await manager.IsLockedOutAsync(user);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(AccessRoom room, string? input, params string[] arguments)
    {
        await using var scope = room.Services.CreateAsyncScope();
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await scope.ServiceProvider.GetRequiredService<AccessCommand>().RunAsync(arguments, input is null ? null : new StringReader(input), output, error, default);
        return (code, output.ToString(), error.ToString());
    }

    [Theory, DatabaseData]
    public async Task The_first_start_makes_the_administrator_and_later_ones_change_nothing(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        (await OpensAsync(room, "admin", AccessRoom.AdminPassword)).ShouldBeTrue();
        var output = new StringWriter();
        await Again(room, "quite another password", output).StartAsync(default);
        (await OpensAsync(room, "admin", AccessRoom.AdminPassword)).ShouldBeTrue();
        output.ToString().ShouldBeEmpty();
        (await room.Get<Users>().ListAsync(Caller.System, new(), default)).Value.Total.ShouldBe(1);
    }

    [Theory, DatabaseData]
    public async Task Without_a_password_in_the_settings_one_is_printed_that_opens(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        await using (var connection = await room.Db.OpenAsync(default)) await Dapper.SqlMapper.ExecuteAsync(connection, "DELETE FROM users");
        var output = new StringWriter();
        await Again(room, null, output).StartAsync(default);
        var password = output.ToString().Split('\n', StringSplitOptions.TrimEntries).Single(l => l.Length == 20 && !l.Contains(' '));
        (await OpensAsync(room, "admin", password)).ShouldBeTrue();
    }

    private static FirstStart Again(AccessRoom room, string? password, TextWriter output) =>
        new(room.Db, room.Get<UserDirectory>(), room.Get<ConsoleOptions>() with { AdminPassword = password }, room.Get<IOptions<AccessOptions>>(), NullLogger<FirstStart>.Instance) { Output = output };

    [Theory, DatabaseData]
    public async Task A_forgotten_password_is_reset_by_a_command_which_ends_sessions_and_the_lock(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var admin = await room.AdminAsync();
        var key = await room.Get<SessionKeeper>().OpenAsync(admin.Id!.Value, null, null, default);
        await using (var scope = room.Services.CreateAsyncScope())
        {
            var manager = scope.ServiceProvider.GetRequiredService<UserManager<UserAccount>>();
            for (var i = 0; i < 5; i++) await manager.AccessFailedAsync((await manager.FindByNameAsync("admin"))!);
        }
        (await OpensAsync(room, "admin", AccessRoom.AdminPassword)).ShouldBeFalse();

        var (code, output, _) = await RunAsync(room, null, "user", "reset-password", "ADMIN");
        code.ShouldBe(0);
        (await OpensAsync(room, "admin", output.Split('\n')[0].Split(": ")[1].Trim())).ShouldBeTrue();
        (await room.Get<SessionKeeper>().FindAsync(key, default)).ShouldBeNull();
        (await room.AuditAsync(new AuditQuery(Action: "user.password.reset"))).ShouldHaveSingleItem().ActorName.ShouldStartWith("command line");

        (code, output, _) = await RunAsync(room, "a password from a pipe\n", "user", "reset-password", "admin");
        (code, output.Contains("a password from a pipe")).ShouldBe((0, false));
        (await OpensAsync(room, "admin", "a password from a pipe")).ShouldBeTrue();
    }

    [Fact]
    public async Task The_command_says_what_is_wrong()
    {
        await using var room = await AccessRoom.OpenAsync(DatabaseEngine.Sqlite);
        (await RunAsync(room, "short\n", "user", "reset-password", "admin")).ShouldBe((1, "", "The password is too short. Use at least 12 characters; several words are fine.\n"));
        (await RunAsync(room, null, "user", "reset-password", "nobody")).Code.ShouldBe(1);
        (await RunAsync(room, null, "user")).Code.ShouldBe(2);
        (await RunAsync(room, null, "user", "list")).Output.ShouldContain("admin");
    }

    [Theory, DatabaseData]
    public async Task Wrong_passwords_made_at_once_are_all_counted_by_the_store(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        var counts = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () =>
        {
            await using var scope = room.Services.CreateAsyncScope();
            var store = (IUserLockoutStore<UserAccount>)scope.ServiceProvider.GetRequiredService<IUserStore<UserAccount>>();
            return await store.IncrementAccessFailedCountAsync((await store.FindByNameAsync("ADMIN", default))!, default);
        })));
        counts.Order().ShouldBe(Enumerable.Range(1, 20));
    }

    [Theory, DatabaseData]
    public async Task Two_writers_of_one_user_notice_each_other(DatabaseEngine engine)
    {
        await using var room = await AccessRoom.OpenAsync(engine);
        await using var scope = room.Services.CreateAsyncScope();
        var store = scope.ServiceProvider.GetRequiredService<IUserStore<UserAccount>>();
        var (one, two) = ((await store.FindByNameAsync("ADMIN", default))!, (await store.FindByNameAsync("ADMIN", default))!);
        (await store.UpdateAsync(one, default)).Succeeded.ShouldBeTrue();
        (await store.UpdateAsync(two, default)).Errors.Single().Code.ShouldBe("ConcurrencyFailure");
    }
}
