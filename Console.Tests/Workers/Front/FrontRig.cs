using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Front;
using Quarterdeck.Workers.Front.Assets;
using Quarterdeck.Workers.Front.Tls;
using Quarterdeck.Workers.Front.Transport;
using Quarterdeck.Workers.Front.Upstream;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>The real front on free ports before a compute server that the test plays; definitions come from the test, without a database.</summary>
internal sealed class FrontRig : IAsyncDisposable
{
    public const string Host = "shop.test";
    private readonly FrontListener _listener;
    private readonly IoLoops _loops = new(NullLoggerFactory.Instance);
    private readonly UpstreamPools _pools;
    private long _sequence;

    private FrontRig(FrontPatience? patience)
    {
        _pools = new UpstreamPools(_loops);
        var console = new ConsoleOptions { DataFolder = Path.GetTempPath(), ImageRoots = [], Urls = "http://console.test:5080", WorkerUrls = "http://127.0.0.1:0;https://127.0.0.1:0" };
        Certificates = new CertificateTable(null!, null!, null!, Table, TimeProvider.System, NullLogger<CertificateTable>.Instance);
        var application = new FrontApplication(
            Table, new OwnNames(console, Options.Create(new WorkersOptions())), Certificates, new AssetResponder(new AssetCache((digest, _) => Task.FromResult<ReadOnlyMemory<byte>?>(Files.TryGetValue(digest, out var content) ? content : null))),
            new Forwarder(Server, _pools, Tails, Figures, Table), Server, Figures, NullLogger<FrontApplication>.Instance);
        _listener = new FrontListener(console, Front, application, Certificates, _loops, TimeProvider.System, NullLoggerFactory.Instance, patience);
    }

    public StandInServer Server { get; } = new();

    public WorkerTable Table { get; } = new();

    public WorkerFigures Figures { get; } = new();

    public WorkerTails Tails { get; } = new(TimeProvider.System);

    public WorkerFront Front { get; } = new();

    public CertificateTable Certificates { get; }

    public Uri Http => new(Front.Addresses.First(a => a.StartsWith("http:", StringComparison.Ordinal)));

    public Uri Https => new(Front.Addresses.First(a => a.StartsWith("https:", StringComparison.Ordinal)));

    public HttpClient Client { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });

    /// <summary>Static files by their digest.</summary>
    public ConcurrentDictionary<string, byte[]> Files { get; } = new();

    public static async Task<FrontRig> OpenAsync(Func<DeployedWorker, DeployedWorker>? adjust = null, FrontPatience? patience = null)
    {
        var rig = new FrontRig(patience);
        rig.Set(adjust is null ? Worker() : adjust(Worker()));
        await rig._listener.StartAsync(default);
        await rig.Front.OpenedAsync(default).WaitAsync(TimeSpan.FromSeconds(60));
        return rig;
    }

    public static DeployedWorker Worker(long serial = 1, WorkerLimits? limits = null) =>
        new(serial, "shop", WorkerTier.Shared, [Version(serial, 1, 100, limits)], null, null, 1, DateTimeOffset.UnixEpoch);

    public static DeployedVersion Version(long serial, int version, int percent, WorkerLimits? limits = null, WorkerAssets? assets = null) =>
        new(new(serial, version), $"{serial}@{version}", percent, limits ?? WorkerLimits.Usual with { WallMs = 60_000 }, assets, new WorkerTriggers([], []));

    /// <summary>One worker for everything under <see cref="Host"/>.</summary>
    public void Set(DeployedWorker worker) => Set([worker], new TableZone(Host, [new("/*", "/", true, worker.Serial)]));

    public void Set(IEnumerable<DeployedWorker> workers, params TableZone[] zones) => Table.Swap(
        new WorkerTableSnapshot(++_sequence, workers.ToDictionary(w => w.Serial), zones.ToDictionary(z => z.Hostname, StringComparer.OrdinalIgnoreCase)), e => throw e);

    public Task<HttpResponseMessage> GetAsync(string path = "/", string host = Host) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path), host);

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, string host = Host)
    {
        request.RequestUri = new Uri(Http, request.RequestUri!);
        request.Headers.Host = host;
        return await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>An answer that has begun. Where the machine stood still for the whole of a short wall time, it is asked for again.</summary>
    public async Task<HttpResponseMessage> StartedAsync()
    {
        for (var until = DateTime.UtcNow.AddSeconds(60); ;)
        {
            var answer = await GetAsync().WaitAsync(TimeSpan.FromSeconds(60));
            if (answer.StatusCode is HttpStatusCode.OK) return answer;
            Assert.True(DateTime.UtcNow < until, $"It answers {(int)answer.StatusCode} {Cause(answer)}.");
            answer.Dispose();
        }
    }

    public static string? Cause(HttpResponseMessage answer) => answer.Headers.TryGetValues("x-quarterdeck-cause", out var causes) ? causes.Single() : null;

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _listener.StopAsync(default);
        _listener.Dispose();
        _pools.Dispose();
        _loops.Dispose();
        await Server.DisposeAsync();
    }
}
