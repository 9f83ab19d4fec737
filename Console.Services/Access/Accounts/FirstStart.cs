using Dapper;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Access.Accounts;

/// <summary>On the first start makes the user <c>admin</c>: with the password of the settings, else with a generated one that is printed once.</summary>
internal sealed partial class FirstStart(Db db, UserDirectory users, ConsoleOptions console, IOptions<AccessOptions> options, ILogger<FirstStart> logger) : IHostedService
{
    internal const string Name = "admin";

    /// <summary>Where the generated password is printed.</summary>
    internal TextWriter Output { get; init; } = Console.Out;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using (var connection = await db.OpenAsync(cancellationToken))
            if (await connection.ExecuteScalarAsync<int>(new CommandDefinition("SELECT COUNT(*) FROM users", cancellationToken: cancellationToken)) > 0) return;
        var password = console.AdminPassword ?? Passwords.Generate();
        var created = await users.CreateAsync(Caller.System, Name, Role.Administrator, password, cancellationToken);
        if (!created.Ok) return; // another node was quicker
        if (console.AdminPassword is null)
            await Output.WriteLineAsync($"""

                  First start: sign in as '{Name}' with the password
                      {password}
                  It is shown this once. To set another: user reset-password {Name}

                """);
        else if (password.Length < options.Value.PasswordLength)
            Log.ShortPassword(logger, options.Value.PasswordLength);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "QUARTERDECK_ADMIN_PASSWORD is shorter than {Least} characters; change the password of 'admin' on the page Profile")]
        public static partial void ShortPassword(ILogger logger, int least);
    }
}
