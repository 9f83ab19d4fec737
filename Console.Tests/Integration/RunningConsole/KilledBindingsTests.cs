using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Database;
using Quarterdeck.Tests.Browser.Journeys;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Workers.Bindings;
using Quarterdeck.Workers.Bindings.Buckets;

namespace Quarterdeck.Tests.Integration.RunningConsole;

/// <summary>kill -9 of the real console while its workers consume a queue and take an upload in parts.</summary>
public sealed class KilledBindingsTests
{
    private const int Part = 5 << 20, Segment = PartStore.SegmentBytes;
    private const string Parts = """
        case "/begin": return new Response((await env.FILES.createMultipartUpload("big")).uploadId);
        case "/part": return Response.json(await env.FILES.resumeMultipartUpload("big", url.searchParams.get("upload")).uploadPart(Number(url.searchParams.get("n")), request.body));
        case "/complete": return new Response((await env.FILES.resumeMultipartUpload("big", url.searchParams.get("upload")).complete(await request.json())).size);
        """;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task A_console_killed_while_it_consumes_and_takes_a_part_loses_no_message_and_no_part_and_leaves_no_content_behind()
    {
        var front = ConsoleProcess.FreePort();
        await using var killed = new ConsoleProcess { Settings = { ["Quarterdeck__Hosts__FirstHost"] = "", ["QUARTERDECK_WORKER_URLS"] = $"http://127.0.0.1:{front}", ["Quarterdeck__Workers__Servers__Shards"] = "1" } };
        await killed.StartAsync();
        string folder;
        using (var rest = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{killed.Port}"), DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", killed.Token) } }) folder = await DeployAsync(rest);
        var acknowledged = new List<int>();
        string upload;
        JsonElement first, second;
        long killedAt;
        using (var visitor = Visitor(new Uri($"http://127.0.0.1:{front}")))
        {
            await UntilAsync(async () => (await visitor.GetAsync("/me")).IsSuccessStatusCode, "the zone answers");
            upload = await AskAsync(visitor, HttpMethod.Post, "/begin");
            (first, second) = (await PartAsync(visitor, upload, 1, Part), await PartAsync(visitor, upload, 2, Part));
            using var gone = new CancellationTokenSource();
            var sending = SendAsync(visitor, acknowledged, gone.Token);
            var stuck = visitor.SendAsync(new HttpRequestMessage(HttpMethod.Put, $"/part?n=3&upload={upload}") { Content = new StuckContent(Part - 1) }, gone.Token);
            // No call ends by itself, so whatever was handed out is under way; of the third part a segment lies in the repository.
            await UntilAsync(async () => (await RunsAsync(visitor)).Count >= 3 && acknowledged.Count >= 60 && Files(folder) >= 7, "calls are under way, and a part is being written");
            await killed.KillAsync();
            killedAt = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
            await gone.CancelAsync();
            await sending;
            (await Task.WhenAny(stuck)).IsCompletedSuccessfully.ShouldBeFalse();
        }

        await using var again = await TestConsole.StartAsync(new Dictionary<string, string> { ["QUARTERDECK_ADMIN_TOKEN"] = killed.Token, ["Quarterdeck:Workers:Servers:Shards"] = "1" }, data: killed.Data);
        using (var rest = again.Client(killed.Token))
        using (var visitor = Visitor(await WorkerJourneyTests.FrontAsync(again)))
        {
            await UntilAsync(async () => (await visitor.GetAsync("/me")).IsSuccessStatusCode, "the zone answers again");
            await AskAsync(visitor, HttpMethod.Post, "/go");
            await UntilAsync(async () => (await rest.GetFromJsonAsync<JsonElement>("/api/v1/queues/work")).GetProperty("messages").GetInt32() == 0, "every message is handled");
            var runs = await RunsAsync(visitor);
            acknowledged.Except(runs.Handled()).ShouldBeEmpty("what was sent and acknowledged was handled");
            runs.Where(r => r.End is null).SelectMany(r => r.Ids).ShouldNotBeEmpty("the kill met no call");
            runs.AtOnce(killedAt).ShouldBeEmpty("two calls had it at once");

            var third = await PartAsync(visitor, upload, 3, 1000);
            (await AskAsync(visitor, HttpMethod.Post, $"/complete?upload={upload}", JsonContent.Create(new[] { first, second, third }))).ShouldBe($"{2 * Part + 1000}");
            var whole = await rest.GetByteArrayAsync("/api/v1/buckets/parts/object?key=big");
            whole.AsSpan().SequenceEqual([.. Content(1, Part), .. Content(2, Part), .. Content(3, 1000)]).ShouldBeTrue("the object is what its parts were");
        }
        var needed = 2 * ((Part + Segment - 1) / Segment) + 1;
        Files(folder).ShouldBeGreaterThan(needed, "the interrupted part is still there");
        // What a killed console had written goes a day later.
        var later = new HandTime(DateTimeOffset.UtcNow.AddDays(1).AddMinutes(1));
        var sweep = new WasteSweep(new UploadIndex(again.App.Services.GetRequiredService<Db>(), later), again.App.Services.GetRequiredService<PartStore>(), later, NullLogger<WasteSweep>.Instance);
        await sweep.SweepAsync(default);
        Files(folder).ShouldBe(needed, "nothing but the object's own segments is left");
        using (var rest = again.Client(killed.Token)) (await rest.GetByteArrayAsync("/api/v1/buckets/parts/object?key=big")).Length.ShouldBe(2 * Part + 1000);
    }

    /// <summary>A bucket, the worker and its zone; answers where the bucket's content lies.</summary>
    private static async Task<string> DeployAsync(HttpClient rest)
    {
        var repository = (await rest.GetFromJsonAsync<JsonElement>("/api/v1/repositories")).GetProperty("items")[0];
        await MadeAsync(rest.PutAsJsonAsync("/api/v1/buckets/parts", new { repositoryId = repository.GetProperty("id").GetString() }));
        var metadata = new
        {
            mainModule = "main.js", limits = new { subrequests = 5000, wallMs = 300_000, concurrentSubrequests = 64 },
            bindings = new Dictionary<string, object> { ["Q"] = new { type = "queue", queue = "work" }, ["LOG"] = new { type = "kv", @namespace = "log" }, ["FILES"] = new { type = "bucket", bucket = "parts" } },
            triggers = new { crons = Array.Empty<string>(), queues = new[] { new { queue = "work", maxBatchSize = 5, maxBatchTimeoutSeconds = 0, maxRetries = 100 } } },
        };
        var code = QueueRuns.Source("""while (await env.LOG.get("go") === null) await scheduler.wait(250);""", Parts);
        await MadeAsync(rest.PutAsync("/api/v1/workers/keeper", new MultipartFormDataContent { { JsonContent.Create(metadata), "metadata" }, { new StringContent(code), "main.js", "main.js" } }));
        await MadeAsync(rest.PutAsJsonAsync("/api/v1/zones/keeper.test", new { routes = new[] { new { pattern = "/*", worker = "keeper" } } }));
        return Path.Combine(repository.GetProperty("location").GetString()!, "objects");
    }

    private static async Task MadeAsync(Task<HttpResponseMessage> call)
    {
        using var answer = await call;
        answer.IsSuccessStatusCode.ShouldBeTrue(await answer.Content.ReadAsStringAsync());
    }

    private static int Files(string folder) => Directory.Exists(folder) ? Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Length : 0;

    private static HttpClient Visitor(Uri front) => new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = front, DefaultRequestHeaders = { Host = "keeper.test" } };

    private static async Task<string> AskAsync(HttpClient visitor, HttpMethod method, string path, HttpContent? body = null)
    {
        using var answer = await visitor.SendAsync(new HttpRequestMessage(method, path) { Content = body });
        var text = await answer.Content.ReadAsStringAsync();
        answer.IsSuccessStatusCode.ShouldBeTrue($"{path}: {(int)answer.StatusCode} {text}");
        return text;
    }

    private static async Task<IReadOnlyList<QueueRun>> RunsAsync(HttpClient visitor) => QueueRuns.Read(await AskAsync(visitor, HttpMethod.Get, "/runs"));

    private static async Task<JsonElement> PartAsync(HttpClient visitor, string upload, int number, int bytes) =>
        JsonSerializer.Deserialize<JsonElement>(await AskAsync(visitor, HttpMethod.Put, $"/part?n={number}&upload={upload}", new ByteArrayContent(Content(number, bytes))));

    private static byte[] Content(int seed, int bytes)
    {
        var content = new byte[bytes];
        new Random(seed).NextBytes(content);
        return content;
    }

    /// <summary>One message after the other, until nobody answers; notes what was acknowledged.</summary>
    private static async Task SendAsync(HttpClient visitor, List<int> acknowledged, CancellationToken gone)
    {
        try
        {
            for (var i = 0; ; i++)
            {
                using var answer = await visitor.PostAsync($"/send?from={i}&count=1", null, gone);
                if (answer.IsSuccessStatusCode && await answer.Content.ReadAsStringAsync(gone) == "sent") acknowledged.Add(i);
                await Task.Delay(acknowledged.Count < 100 ? 0 : 20, gone);
            }
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException) { } // the console is dead
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        for (var until = DateTime.UtcNow + Limit; ; await Task.Delay(50))
        {
            try
            {
                if (await condition()) return;
            }
            catch (HttpRequestException) { } // it does not listen yet
            if (DateTime.UtcNow > until) Assert.Fail($"Not within {Limit.TotalSeconds} s: {what}.");
        }
    }

    /// <summary>A body that stops before its last byte.</summary>
    private sealed class StuckContent(int bytes) : HttpContent
    {
        protected override bool TryComputeLength(out long length)
        {
            length = bytes + 1;
            return true;
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, default);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellation)
        {
            await stream.WriteAsync(Content(3, bytes), cancellation);
            await stream.FlushAsync(cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        }
    }
}
