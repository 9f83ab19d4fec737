using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Quarterdeck.Plugins;

namespace Quarterdeck.Web.Plugins;

/// <summary>Keeps the appliance listener up: a server of its own with TLS by the console's authority. It is opened anew when the machine's bridges or its certificate change.</summary>
internal sealed partial class ApplianceListener(ApplianceAddress address, ConsoleAuthority authority, Enrolment enrolment, TimeProvider time, ILoggerFactory logs) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5), RenewBefore = TimeSpan.FromDays(30);
    private readonly ILogger _logger = logs.CreateLogger<ApplianceListener>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string? told = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ServeAsync(stoppingToken);
                told = null;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                address.NotListening($"The appliance listener could not be opened: {e.Message} It is tried again every {Look.TotalSeconds:0} s. QUARTERDECK_APPLIANCE_URL names another port.");
                if (told != e.Message) Log.NotOpened(_logger, told = e.Message);
                await Task.Delay(Look, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) { }
        }
    }

    /// <summary>Serves until the addresses change or the certificate grows old.</summary>
    private async Task ServeAsync(CancellationToken cancellation)
    {
        var addresses = await address.AddressesAsync(cancellation);
        using var certificate = await authority.ServerCertificateAsync(address.Names(addresses), cancellation);
        await using var app = await OpenAsync(addresses, certificate, cancellation);
        while (!cancellation.IsCancellationRequested)
        {
            await Task.Delay(Look, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (certificate.NotAfter - time.GetUtcNow().LocalDateTime < RenewBefore) break;
            if (!(await address.AddressesAsync(CancellationToken.None)).ToHashSet().SetEquals(addresses)) break;
        }
        await app.StopAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(3), CancellationToken.None);
    }

    /// <summary>The first port that is free.</summary>
    private async Task<WebApplication> OpenAsync(IReadOnlyList<IPAddress> addresses, X509Certificate2 certificate, CancellationToken cancellation)
    {
        var candidates = address.PortCandidates();
        for (var i = 0; ; i++)
        {
            var port = candidates[i] != 0 ? candidates[i] : FreePort();
            var app = ListenerApp.Build(enrolment, logs, addresses, port, () => certificate);
            try
            {
                await app.StartAsync(cancellation);
            }
            catch (Exception e)
            {
                await app.DisposeAsync();
                if (e is IOException && i + 1 < candidates.Count) continue;
                throw;
            }
            var at = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
            address.Listening(port, addresses);
            Log.Opened(_logger, string.Join(", ", at));
            return app;
        }
    }

    /// <summary>One port for several addresses cannot be left to the system at binding.</summary>
    private static int FreePort()
    {
        using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "The appliance listener is open at {Addresses}.")]
        public static partial void Opened(ILogger logger, string addresses);

        [LoggerMessage(LogLevel.Error, "The appliance listener could not be opened: {Reason}")]
        public static partial void NotOpened(ILogger logger, string reason);
    }
}
