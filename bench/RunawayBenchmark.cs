using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Web;
using Quarterdeck.Workers;

namespace Quarterdeck.Bench;

/// <summary>How long a worker that never ends holds the others up: with the guard it is ended a little after its limit, without it the process is, and the others answer again.</summary>
internal sealed class RunawayBenchmark : IBenchmark
{
    private const int Rounds = 20, LimitMs = 100;
    private const string Runaway = "export default { fetch(request) { if (request.url.endsWith('/loop')) for (;;); return new Response('ok'); } };";
    private const string Good = "export default { fetch() { return new Response('good'); } };";

    public string Name => "runaway";

    public string Description => "a worker that loops for ever: until it is ended, and until the others answer, with and without the guard";

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation)
    {
        var guarded = await MeasureAsync(guard: true, cancellation);
        var watched = await MeasureAsync(guard: false, cancellation);
        return
        [
            Ended("runaway worker ended, with the guard, median", Median(guarded.Ended), LimitMs + 100, "limit + 100 ms"),
            Ended("runaway worker ended, with the guard, longest", guarded.Ended.Max(), LimitMs + 100, "limit + 100 ms"),
            Ended("others answer again, with the guard, longest", guarded.Others.Max(), LimitMs + 100, "limit + 100 ms"),
            Ended("others answer again, without the guard, longest", watched.Others.Max(), 1000, "at most 1 s"),
        ];
    }

    private static Figure Ended(string name, double milliseconds, double most, string text) => new(name, "ms", milliseconds, "the worker's limit", LimitMs, (product, _) => product <= most, text);

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static async Task<(List<double> Ended, List<double> Others)> MeasureAsync(bool guard, CancellationToken cancellation)
    {
        var data = Directory.CreateTempSubdirectory("qd-bench-runaway-").FullName;
        var app = QuarterdeckApp.Build(
        [
            $"--QUARTERDECK_DATA={data}", "--QUARTERDECK_URLS=http://127.0.0.1:0", "--QUARTERDECK_APPLIANCE_URL=https://127.0.0.1:0", "--QUARTERDECK_WORKER_URLS=http://127.0.0.1:0",
            "--QUARTERDECK_ADMIN_PASSWORD=not-used-by-anyone-here", "--Quarterdeck:Hosts:Local=off", "--Logging:LogLevel:Default=Error",
            "--Quarterdeck:Workers:Servers:Shards=1", $"--Quarterdeck:Workers:Servers:Guard={guard}",
            // The runaway is to meet the others each time, so it is never set apart.
            "--Quarterdeck:Workers:Tiers:CordonStrikes=1000",
        ]);
        try
        {
            await app.StartAsync(cancellation);
            var front = app.Services.GetRequiredService<WorkerFront>();
            await front.OpenedAsync(cancellation);
            foreach (var (name, source) in new[] { ("runaway", Runaway), ("good", Good) })
            {
                var upload = new WorkerUpload(new WorkerMetadata { MainModule = "main.js", Limits = new WantedLimits(CpuMs: LimitMs, CpuPercent: 100) }, [new UploadedFile("main.js", System.Text.Encoding.UTF8.GetBytes(source))]);
                _ = (await app.Services.GetRequiredService<WorkerRegistry>().UploadAsync(Caller.System, name, upload, deploy: true, cancellation)).Value;
                _ = (await app.Services.GetRequiredService<Zones>().PutAsync(Caller.System, $"{name}.test", new NewZone([new ZoneRoute("/*", name)]), cancellation)).Value;
            }
            using var client = new HttpClient { BaseAddress = new Uri(front.Addresses[0]), Timeout = TimeSpan.FromSeconds(30) };
            return await RoundsAsync(client, cancellation);
        }
        finally
        {
            await app.StopAsync(CancellationToken.None);
            await app.DisposeAsync();
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task<(List<double> Ended, List<double> Others)> RoundsAsync(HttpClient client, CancellationToken cancellation)
    {
        var (ended, others) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            while (await AskAsync(client, "good", "/", cancellation) is not HttpStatusCode.OK || await AskAsync(client, "runaway", "/", cancellation) is not HttpStatusCode.OK) await Task.Delay(50, cancellation);
            var began = Stopwatch.GetTimestamp();
            var loop = TimedAsync(AskAsync(client, "runaway", "/loop", cancellation), began);
            await Task.Delay(20, cancellation); // it runs by now
            var other = Stopwatch.GetTimestamp();
            if (await AskAsync(client, "good", "/", cancellation) is not HttpStatusCode.OK) throw new InvalidOperationException("A good worker's request failed.");
            others.Add(Stopwatch.GetElapsedTime(other).TotalMilliseconds);
            ended.Add(await loop);
            await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"round {round + 1}: ended after {ended[^1]:0} ms, the other answered after {others[^1]:0} ms"));
        }
        return (ended, others);
    }

    private static async Task<double> TimedAsync(Task<HttpStatusCode> request, long began)
    {
        await request;
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    private static async Task<HttpStatusCode> AskAsync(HttpClient client, string name, string path, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Host = $"{name}.test" } };
        using var response = await client.SendAsync(request, cancellation);
        return response.StatusCode;
    }
}
