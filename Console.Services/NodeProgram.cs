using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Metrics;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Secrets;
using Quarterdeck.Workers;

namespace Quarterdeck;

/// <summary>A node beside the console, without pages and REST: <c>Quarterdeck.Services --role workers</c> serves zones and runs workers by the definitions in the console's PostgreSQL.</summary>
public static class NodeProgram
{
    private const string Usage = """
        Quarterdeck.Services --role workers
          Serves zones at QUARTERDECK_WORKER_URLS and runs their workers. Needs
          QUARTERDECK_DATABASE  the console's PostgreSQL, as the console is given it
          QUARTERDECK_KEY_FILE  a copy of the console's key file, by default secrets.key in its data folder
          QUARTERDECK_DATA      a folder of this node's own
        """;

    /// <summary>Runs until SIGTERM; leaves within 20 s.</summary>
    public static async Task<int> Main(string[] args)
    {
        try
        {
            using var host = Build(args);
            await host.RunAsync();
            return 0;
        }
        catch (Exception e) when (e is InvalidDataException or OptionsValidationException or SecretUnreadableException or ProblemException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
    }

    /// <summary>Builds the node without starting it.</summary>
    /// <exception cref="InvalidDataException">A setting is wrong or missing; the message names it.</exception>
    internal static IHost Build(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = args, ContentRootPath = Content() });
        if (builder.Configuration["role"] is not "workers") throw new InvalidDataException($"--role: there is one role, workers.\n{Usage}");
        var options = ConsoleOptions.From(builder.Configuration, builder.Environment.ContentRootPath);
        if (options.Database is null) throw new InvalidDataException($"QUARTERDECK_DATABASE: it is missing. Nodes find each other in PostgreSQL.\n{Usage}");
        Directory.CreateDirectory(options.DataFolder);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(15));
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddOptions<OperationsOptions>().BindConfiguration("Quarterdeck:Operations"); // its name
        builder.Services.AddDatabase().AddEvents().AddSecrets().AddConsoleMetrics().AddGuard().AddWorkerNode();
        return builder.Build();
    }

    /// <summary>Where appsettings.json lies: the working directory, or above the program.</summary>
    private static string Content()
    {
        static bool Has(string folder) => File.Exists(Path.Combine(folder, "appsettings.json"));
        var current = Directory.GetCurrentDirectory();
        if (Has(current)) return current;
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Has(folder.FullName)) return folder.FullName;
        return current;
    }
}
