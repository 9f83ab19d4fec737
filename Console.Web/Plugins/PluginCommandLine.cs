using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;

namespace Quarterdeck.Web.Plugins;

/// <summary>The console's executable as a command, <c>plugin …</c>: of the rooms only what they declare, no database and no web.</summary>
internal static class PluginCommandLine
{
    public static async Task<int> RunAsync(string[] args)
    {
        var configuration = new ConfigurationBuilder().Build();
        var services = new ServiceCollection().AddLogging().AddSingleton<IConfiguration>(configuration);
        QuarterdeckApp.AddRooms(services, ConsoleOptions.From(configuration, Path.GetTempPath()));
        await using var provider = services.BuildServiceProvider();
        return await PluginCommand.RunAsync(args, provider.GetRequiredService<PermissionCatalogue>(), Console.Out, Console.Error, default);
    }
}
