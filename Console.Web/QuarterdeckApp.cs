using Microsoft.AspNetCore.Hosting.StaticWebAssets;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Backups;
using Quarterdeck.Database;
using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Metrics;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Schedules;
using Quarterdeck.Repositories;
using Quarterdeck.Restores;
using Quarterdeck.Secrets;
using Quarterdeck.Verification;
using Quarterdeck.Web.Verification;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Web.Appliances;
using Quarterdeck.Web.Backups;
using Quarterdeck.Web.Health;
using Quarterdeck.Web.Hosts;
using Quarterdeck.Web.Vms;
using Quarterdeck.Web.Live;
using Quarterdeck.Web.Operations;
using Quarterdeck.Web.Plugins;
using Quarterdeck.Web.Repositories;
using Quarterdeck.Web.Restores;
using Quarterdeck.Web.Plugins.Ui;
using Quarterdeck.Web.Schedules;
using Quarterdeck.Web.Workers;
using Quarterdeck.Workers;
using Radzen;

namespace Quarterdeck.Web;

/// <summary>Puts the console together: settings, rooms, middleware in order, endpoints, pages.</summary>
public static class QuarterdeckApp
{
    /// <summary>Builds the console without starting it.</summary>
    /// <param name="args">Settings as <c>--KEY=value</c>.</param>
    /// <param name="adjust">Called before the container is built; tests replace services with it.</param>
    /// <exception cref="InvalidDataException">A setting is wrong; the message names it.</exception>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? adjust = null)
    {
        var root = ContentRoot.Find();
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = root, ApplicationName = typeof(QuarterdeckApp).Assembly.GetName().Name });
        builder.WebHost.UseStaticWebAssets(); // finds the assets of a build that was not published; does nothing once published
        // Without this a build's assets are compressed anew, and badly, for each request.
        builder.Configuration["ReloadStaticAssetsAtRuntime"] ??= builder.Environment.IsDevelopment() ? "true" : "false";
        var options = ConsoleOptions.From(builder.Configuration, root);
        Directory.CreateDirectory(options.DataFolder);
        if (builder.Configuration["urls"] is null) builder.WebHost.UseUrls(options.Urls);
        builder.AddTls(options);
        AddRooms(builder.Services, options);
        AddWeb(builder.Services, options);

        adjust?.Invoke(builder);

        var app = builder.Build();
        app.UseHardening();
        app.UsePluginUi();
        app.UseApiProblems();
        app.UsePageProblems();
        app.UseWebSockets();
        app.UseRouting();
        app.UseWebAccess();
        app.MapStaticAssets().AllowAnonymous();
        app.MapSignOut();
        MapApi(app);
        app.MapLive();
        app.MapHealth();
        app.MapVmConsole();
        app.MapPointDownload();
        app.MapObjectContent();
        app.MapUploads();
        app.MapManifestSchema();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode(o => o.ContentSecurityFrameAncestorsPolicy = null); // SecurityHeaders sets the whole policy
        return app;
    }

    /// <summary>Runs until SIGTERM; leaves within 20 s.</summary>
    public static async Task RunAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync();
        }
        catch
        {
            // What had started by then would keep the process alive: the framework does not stop it.
            await app.StopAsync();
            throw;
        }
        await app.WaitForShutdownAsync();
    }

    internal static void AddRooms(IServiceCollection services, ConsoleOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(TimeProvider.System);
        services.AddDatabase();
        services.AddEvents();
        services.AddSecrets();
        services.AddConsoleMetrics();
        services.AddAccess();
        services.AddOperations();
        services.AddSchedules();
        services.AddHosts();
        services.AddRepositories();
        services.AddAppliances();
        services.AddBackups();
        services.AddWorkers();
        services.AddPlugins();
        services.AddRestores();
        services.AddVerification();
    }

    private static void AddWeb(IServiceCollection services, ConsoleOptions options)
    {
        services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(15));
        services.AddRazorComponents().AddInteractiveServerComponents();
        services.AddRadzenComponents();
        services.AddWebAccess(options);
        services.AddApi();
        services.AddLive();
        services.AddOperationsTopic();
        services.AddPluginsTopic();
        services.AddRecoveryPointsTopic();
        services.AddWorkersTopic();
        services.AddPluginUi();
        services.AddHostedService<ApplianceListener>();
        services.AddWorkerWatching();
        services.AddHealth();
    }

    private static void MapApi(WebApplication app)
    {
        var api = app.MapApiGroup();
        api.MapAccess();
        api.MapHosts();
        api.MapRepositories();
        api.MapBackups();
        api.MapWorkers();
        api.MapZones();
        api.MapQueues();
        api.MapBuckets();
        api.MapBackupJobs();
        api.MapProtection();
        api.MapRestores();
        api.MapProofs();
        api.MapPointFiles();
        api.MapVms();
        api.MapOperations();
        api.MapSchedules();
        api.MapAppliances();
        api.MapPlugins();
        api.MapZoneCertificates();
        api.MapValidation();
        api.MapWorkerWatching();
    }
}
