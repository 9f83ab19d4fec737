
namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>Registers and places the proxy to plug-ins' own pages.</summary>
internal static class UiServices
{
    /// <summary>Adds the proxy.</summary>
    public static IServiceCollection AddPluginUi(this IServiceCollection services)
    {
        services.AddSingleton<UiUpstreams>();
        services.AddSingleton<UiForwarder>();
        services.AddSingleton<BridgeScript>();
        services.AddSingleton<UiVisits>();
        services.AddHostedService(s => s.GetRequiredService<UiVisits>());
        services.AddSingleton<IHttpContextFactory, TicketlessContextFactory>();
        return services.AddSingleton<UiProxy>();
    }

    /// <summary>Answers <c>/plugin-ui/…</c> before the console's own authentication and endpoints see it; after the check of the host name.</summary>
    public static WebApplication UsePluginUi(this WebApplication app)
    {
        var proxy = app.Services.GetRequiredService<UiProxy>();
        app.Use(next => context => context.Request.Path.StartsWithSegments(UiAddress.Root) ? proxy.HandleAsync(context) : next(context));
        return app;
    }
}
