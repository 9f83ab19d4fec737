using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Access;

/// <summary>The console's executable as a command, <c>user …</c>: the database and the room, no web; also while the console runs.</summary>
internal static class AccessCommandLine
{
    public static async Task<int> RunAsync(string[] args)
    {
        var root = ContentRoot.Find();
        var configuration = new ConfigurationBuilder().SetBasePath(root).AddJsonFile("appsettings.json", optional: true).AddEnvironmentVariables().Build();
        var options = ConsoleOptions.From(configuration, root);
        if (options.Database is null && !File.Exists(Path.Combine(options.DataFolder, "quarterdeck.db")))
        {
            await Console.Error.WriteLineAsync($"There is no console in '{options.DataFolder}'. Set QUARTERDECK_DATA (or QUARTERDECK_DATABASE) as the console has it.");
            return 1;
        }
        var services = new ServiceCollection().AddLogging(l => l.AddSimpleConsole().SetMinimumLevel(LogLevel.Warning))
            .AddSingleton<IConfiguration>(configuration).AddSingleton(options).AddDatabase().AddEvents().AddAccess();
        await using var provider = services.BuildServiceProvider();
        await provider.GetRequiredService<Migrator>().MigrateAsync(default);
        await using var scope = provider.CreateAsyncScope();
        var input = Console.IsInputRedirected ? Console.In : null;
        return await scope.ServiceProvider.GetRequiredService<AccessCommand>().RunAsync(args, input, Console.Out, Console.Error, default);
    }
}
