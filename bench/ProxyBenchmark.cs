using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Quarterdeck.Access;
using Quarterdeck.Hosts;
using Quarterdeck.Hosts.Libvirt;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Plugins.Registry;
using Quarterdeck.Web;

namespace Quarterdeck.Bench;

/// <summary>What the console adds to a request for a plug-in's page: the same server asked through it and directly, in turns.</summary>
/// <remarks>The guest is a server of this process, and the hypervisor answers from memory, so that only the proxy differs.</remarks>
internal sealed class ProxyBenchmark : IBenchmark
{
    private const int Warm = 1000, Rounds = 4000, LargeRounds = 12;
    private const long Large = 256 << 20;

    public string Name => "proxy";

    public string Description => "a request for a plug-in's page through the console, against the same request made directly";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        var data = Directory.CreateTempSubdirectory("qd-bench-proxy-").FullName;
        await using var guest = await GuestAsync(cancellation);
        var address = new Uri(guest.Urls.First());
        var app = QuarterdeckApp.Build(
            [
                $"--QUARTERDECK_DATA={data}", "--QUARTERDECK_URLS=http://127.0.0.1:0", "--QUARTERDECK_APPLIANCE_URL=https://127.0.0.1:0", "--QUARTERDECK_ADMIN_PASSWORD=not-used-by-anyone-here",
                "--Quarterdeck:Hosts:FirstHost=", "--Logging:LogLevel:Default=Warning",
            ],
            b => b.Services.Replace(ServiceDescriptor.Singleton<IHypervisorDriver>(new OneVm(address.Port))));
        try
        {
            await app.StartAsync(cancellation);
            var prefix = await TicketAsync(app, cancellation);
            var console = new Uri(app.Urls.First(u => u.StartsWith("http:", StringComparison.Ordinal)));
            using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false });
            var (proxied, direct) = (new Uri(console, prefix + "/small"), new Uri(address, "/small"));
            var (ours, theirs) = await AlternateAsync(client, proxied, direct, Warm, Rounds, 1024, cancellation);
            var (p99, direct99) = (At(ours, .99), At(theirs, .99));
            Console.Error.WriteLine($"p99: direct {direct99:0.000} ms, proxied {p99:0.000} ms");
            var before = GC.GetTotalAllocatedBytes();
            var (large, largeDirect) = await AlternateAsync(client, new Uri(console, prefix + "/large"), new Uri(address, "/large"), 1, LargeRounds, Large, cancellation);
            var resident = Process.GetCurrentProcess().PeakWorkingSet64 >> 20;
            Console.Error.WriteLine($"{LargeRounds * Large >> 30} GiB carried: {(GC.GetTotalAllocatedBytes() - before) >> 20} MiB allocated by client, console and guest together, peak {resident} MiB resident");
            return
            [
                new Figure("a request for a plug-in's page, p50", "ms", At(ours, .5), "the same request directly", At(theirs, .5), (us, them) => us - them <= 1, "at most 1 ms more"),
                new Figure("an answer of 256 MiB, median", "ms", At(large, .5), "the same answer directly", At(largeDirect, .5), (us, them) => us <= them * 4, "at most four times"),
            ];
        }
        finally
        {
            await app.StopAsync(CancellationToken.None);
            await app.DisposeAsync();
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task<WebApplication> GuestAsync(CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var (small, piece) = (new byte[1024], new byte[256 << 10]);
        app.Run(async http =>
        {
            http.Response.ContentType = "application/octet-stream";
            http.Response.ContentLength = http.Request.Path == "/small" ? small.Length : Large;
            if (http.Request.Path == "/small") await http.Response.Body.WriteAsync(small);
            else
                for (long sent = 0; sent < Large; sent += piece.Length) await http.Response.Body.WriteAsync(piece);
        });
        await app.StartAsync(cancellation);
        return app;
    }

    private static async Task<string> TicketAsync(WebApplication app, CancellationToken cancellation)
    {
        var host = (await app.Services.GetRequiredService<HostRegistry>().AddAsync(Caller.System, new NewHost("bench", OneVm.Uri), cancellation)).Value;
        var vms = app.Services.GetRequiredService<VirtualMachines>();
        while ((await vms.CountAsync(Caller.System, new VmQuery(), cancellation)).Value.Total == 0) await Task.Delay(50, cancellation);
        var plugin = (await app.Services.GetRequiredService<PluginStore>().AddAsync(new PluginRow(
            Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), host.Id, OneVm.Id, "bench", "Bench", "Bench", "1.0.0", "", "[]", JsonSerializer.Serialize(new PluginUi("http", 80, "/")), null, null,
            PluginState.Ready, HealthState.Healthy, null, null, DateTimeOffset.UtcNow, DateTimeOffset.UtcNow), cancellation)).Value;
        var sessions = app.Services.GetRequiredService<SessionKeeper>();
        var admin = (await app.Services.GetRequiredService<Users>().ListAsync(Caller.System, new PageQuery(), cancellation)).Value.Items[0].Id;
        var caller = (await sessions.FindAsync(await sessions.OpenAsync(admin, null, null, cancellation), cancellation))!.Caller;
        return $"/plugin-ui/{(await app.Services.GetRequiredService<PluginTickets>().IssueAsync(caller, plugin, cancellation)).Value}";
    }

    /// <summary>Both take turns, so that they see the same machine.</summary>
    private static async Task<(List<double> Ours, List<double> Theirs)> AlternateAsync(HttpClient client, Uri proxied, Uri direct, int warm, int rounds, long length, CancellationToken cancellation)
    {
        var (ours, theirs) = (new List<double>(rounds), new List<double>(rounds));
        for (var round = -warm; round < rounds; round++)
            foreach (var (address, list) in new[] { (proxied, ours), (direct, theirs) })
            {
                var began = Stopwatch.GetTimestamp();
                using var answer = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellation);
                await using var body = await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(cancellation);
                var all = await DrainAsync(body, cancellation);
                if (all != length) throw new InvalidOperationException($"{address.AbsolutePath}: {all} bytes instead of {length}.");
                if (round >= 0) list.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
        ours.Sort();
        theirs.Sort();
        return (ours, theirs);
    }

    private static readonly byte[] Sink = new byte[256 << 10];

    private static async Task<long> DrainAsync(Stream body, CancellationToken cancellation)
    {
        long all = 0;
        for (int count; (count = await body.ReadAsync(Sink, cancellation)) > 0;) all += count;
        return all;
    }

    private static double At(List<double> sorted, double part) => sorted[(int)((sorted.Count - 1) * part)];
}
