using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Traces;

namespace Quarterdeck.Tests.Workers.Traces;

public sealed class TraceExportTests
{
    private const string Parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    private static readonly DateTimeOffset End = new(2026, 11, 23, 12, 0, 1, TimeSpan.Zero);

    private static RequestSpan Request(int status, string? parent) => new("shop", new WorkerKey(7, 3), "GET", "shop.test", "/pay", status, RequestOutcome.Ok, End, 250_000, parent);

    private static TraceExport Export(string endpoint, double ratio) => new(Options.Create(new WorkersOptions { Traces = new TraceOptions { Endpoint = endpoint, Ratio = ratio } }), TimeProvider.System, NullLogger<TraceExport>.Instance);

    [Theory]
    [InlineData(Parent, true)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", false)]
    [InlineData("00-00000000000000000000000000000000-00f067aa0ba902b7-01", null)]
    [InlineData("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", null)]
    [InlineData("01", null)]
    [InlineData(null, null)]
    public void A_traceparent_is_taken_only_when_it_is_one(string? header, bool? sampled) => RequestSpan.Parent(header)?.Sampled.ShouldBe(sampled!.Value);

    [Fact]
    public void Without_a_collector_nothing_is_wanted_and_with_one_the_visitors_own_traces_are()
    {
        using var off = Export("", 1);
        off.Wants(Parent).ShouldBeFalse();
        using var on = Export("http://collector.test:4318", 0);
        (on.Wants(Parent), on.Wants(null)).ShouldBe((true, false));
    }

    [Fact]
    public async Task A_collector_is_sent_spans_with_parents_times_and_failures()
    {
        var received = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        builder.Logging.ClearProviders();
        await using var collector = builder.Build();
        collector.MapPost("/v1/traces", async (HttpRequest request) => received.TrySetResult((await JsonDocument.ParseAsync(request.Body)).RootElement));
        await collector.StartAsync();
        using var export = Export(collector.Urls.First(), 1);
        export.Offer(Request(200, Parent));
        export.Offer(Request(503, null));
        await export.StartAsync(default);
        var spans = (await received.Task.WaitAsync(TimeSpan.FromSeconds(30))).GetProperty("resourceSpans")[0].GetProperty("scopeSpans")[0].GetProperty("spans");
        await export.StopAsync(default);
        (spans[0].GetProperty("traceId").GetString(), spans[0].GetProperty("parentSpanId").GetString()).ShouldBe(("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"));
        (spans[0].GetProperty("startTimeUnixNano").GetString(), spans[0].GetProperty("endTimeUnixNano").GetString()).ShouldBe(("1795435200750000000", "1795435201000000000"));
        spans.EnumerateArray().Select(s => s.GetProperty("status").GetProperty("code").GetInt32()).ShouldBe([0, 2]);
        spans[1].GetProperty("traceId").GetString()!.Length.ShouldBe(32);
        spans[1].GetProperty("spanId").GetString()!.Length.ShouldBe(16);
        spans[0].GetProperty("attributes").EnumerateArray().ShouldContain(a => a.GetProperty("key").GetString() == "url.path" && a.GetProperty("value").GetProperty("stringValue").GetString() == "/pay");
    }
}
