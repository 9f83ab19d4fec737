using Microsoft.AspNetCore.Identity;
using Quarterdeck.Access.Accounts;
using Quarterdeck.Platform;

namespace Quarterdeck.Access;

/// <summary>The commands <c>user list</c> and <c>user reset-password NAME</c>, for whoever may read the data folder of the console.</summary>
public sealed class AccessCommand
{
    private const string Usage = """
        Usage, with the QUARTERDECK_DATA and QUARTERDECK_DATABASE of the console:
          user list                   lists all users
          user reset-password NAME    sets a password read from standard input, or generates and prints one;
                                      ends the user's sessions and a lock-out
        """;

    private readonly UserDirectory _users;
    private readonly IUserStore<UserAccount> _store;
    private readonly ILookupNormalizer _normalizer;
    private readonly Passwords _passwords;

    internal AccessCommand(UserDirectory users, IUserStore<UserAccount> store, ILookupNormalizer normalizer, Passwords passwords) =>
        (_users, _store, _normalizer, _passwords) = (users, store, normalizer, passwords);

    /// <summary>Whether the program was started for a command of this room.</summary>
    public static bool Handles(IReadOnlyList<string> arguments) => arguments is ["user", ..];

    /// <summary>Runs a command.</summary>
    /// <param name="arguments">The program's arguments.</param>
    /// <param name="input">Where a new password is read from; null when there is nobody but a terminal, then one is generated.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="error">Where refusals go.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The exit code: 0, 1 for a refusal, 2 for wrong usage.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, TextReader? input, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        switch (arguments)
        {
            case ["user", "list"]:
                await ListAsync(output, cancellation);
                return 0;
            case ["user", "reset-password", var name]:
                return await ResetAsync(name, input, output, error, cancellation);
            default:
                await error.WriteLineAsync(Usage);
                return 2;
        }
    }

    private async Task ListAsync(TextWriter output, CancellationToken cancellation)
    {
        for (var page = new PageQuery(Size: PageQuery.MaxSize); ; page = page with { Number = page.Number + 1 })
        {
            var users = await _users.ListAsync(page, cancellation);
            foreach (var user in users.Items)
                await output.WriteLineAsync($"{user.Name,-32} {user.Role.ToString().ToLowerInvariant(),-14} {(user.Disabled ? "disabled" : user.LockedUntil is { } until ? $"locked until {until:u}" : "enabled")}");
            if (page.Offset + users.Items.Count >= users.Total) return;
        }
    }

    private async Task<int> ResetAsync(string name, TextReader? input, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        if (await _store.FindByNameAsync(_normalizer.NormalizeName(name), cancellation) is not { } account)
        {
            await error.WriteLineAsync($"There is no user named '{name}'. 'user list' shows all.");
            return 1;
        }
        var given = input is null ? null : await input.ReadLineAsync(cancellation);
        if (string.IsNullOrEmpty(given)) given = null;
        if (given is not null && _passwords.CheckPassword(given, account.UserName) is { } bad)
        {
            await error.WriteLineAsync($"{bad.Message} {bad.Remedy}");
            return 1;
        }
        var password = given ?? Passwords.Generate();
        var caller = Caller.System with { Name = $"command line ({Environment.UserName})" };
        var changed = await _users.ChangeAsync(caller, account.Id, new UserChange(Password: password), cancellation);
        if (!changed.TryGet(out var user, out var problem))
        {
            await error.WriteLineAsync($"{problem.Title}. {problem.Detail}");
            return 1;
        }
        await output.WriteLineAsync(given is null ? $"The new password of '{user.Name}' is: {password}" : $"The password of '{user.Name}' is set.");
        await output.WriteLineAsync("The user's sessions have ended.");
        if (user.Disabled) await output.WriteLineAsync("The user is disabled; an administrator can enable it on the page Users and roles.");
        return 0;
    }
}
