using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Front.Tls;
using Quarterdeck.Workers.Front.Transport;

namespace Quarterdeck.Workers.Front;

/// <summary>How long the front waits for visitors who send or read slowly.</summary>
internal sealed record FrontPatience
{
    /// <summary>What a visitor must send of a body, and read of an answer, on average.</summary>
    public const double BytesPerSecond = 240;

    /// <summary>For the head of a request.</summary>
    public TimeSpan Head { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Before <see cref="BytesPerSecond"/> counts; above a second, or the server refuses it.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Keeps the data plane's server open: one of its own, so that nothing of the console's pages and REST can be reached through a zone, nor costs its requests anything.</summary>
internal sealed partial class FrontListener(ConsoleOptions options, WorkerFront front, FrontApplication application, CertificateTable certificates, IoLoops loops, TimeProvider time, ILoggerFactory logs, FrontPatience? patience = null) : BackgroundService
{
    private readonly FrontPatience _patience = patience ?? new FrontPatience();
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(5), Drain = TimeSpan.FromSeconds(5);
    private readonly ILogger _logger = logs.CreateLogger<FrontListener>();
    private readonly IReadOnlyList<FrontAddress> _addresses = FrontAddress.Parse(options.WorkerUrls);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_addresses.Count == 0)
        {
            front.Listening([]);
            return;
        }
        string? told = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ServeAsync(stoppingToken);
            }
            catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException or InvalidOperationException && !stoppingToken.IsCancellationRequested)
            {
                front.NotListening($"Zones are not served: {e.Message} It is tried again every {Again.TotalSeconds:0} s. QUARTERDECK_WORKER_URLS names other addresses.");
                if (told != e.Message) Log.NotOpened(_logger, told = e.Message);
                await Task.Delay(Again, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ServeAsync(CancellationToken cancellation)
    {
        await using var app = Build();
        var server = app.Services.GetRequiredService<IServer>();
        await server.StartAsync(application, cancellation);
        var at = server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.ToList();
        front.Listening(at);
        Log.Opened(_logger, string.Join(", ", at));
        await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var late = new CancellationTokenSource(Drain);
        await server.StopAsync(late.Token);
    }

    /// <summary>A container for the server alone; the host around it is never started.</summary>
    private WebApplication Build()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logs);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(Configure);
        // of several transports the server takes the last
        builder.Services.AddSingleton(loops).AddSingleton<IConnectionListenerFactory, IoTransport>();
        return builder.Build();
    }

    private void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        // Bytes of headers pass as they are.
        kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        var limits = kestrel.Limits;
        limits.RequestHeadersTimeout = _patience.Head;
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(75);
        limits.MaxRequestBodySize = 0; // each worker's own limit is set before its body is read
        limits.MinRequestBodyDataRate = new MinDataRate(FrontPatience.BytesPerSecond, _patience.Grace);
        limits.MinResponseDataRate = new MinDataRate(FrontPatience.BytesPerSecond, _patience.Grace);
        limits.Http2.MaxStreamsPerConnection = 100;
        foreach (var address in _addresses)
            if (address.Address is { } ip) kestrel.Listen(ip, address.Port, listen => Configure(listen, address.Secure));
            else kestrel.ListenAnyIP(address.Port, listen => Configure(listen, address.Secure));
    }

    private void Configure(ListenOptions listen, bool secure)
    {
        if (!secure)
        {
            listen.Protocols = HttpProtocols.Http1;
            return;
        }
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = TimeSpan.FromSeconds(10),
            OnConnection = connection => ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = certificates.For(connection.ClientHelloInfo.ServerName),
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            }),
        });
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Zones are served at {Addresses}.")]
        public static partial void Opened(ILogger logger, string addresses);

        [LoggerMessage(LogLevel.Error, "Zones are not served: {Reason}")]
        public static partial void NotOpened(ILogger logger, string reason);
    }
}
