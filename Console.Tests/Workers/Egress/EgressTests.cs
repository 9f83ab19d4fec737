using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Quarterdeck.Tests.Workers.Runtime;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Egress;

namespace Quarterdeck.Tests.Workers.Egress;

/// <summary>The way out of real workers: what is refused, what is counted, what arrives outside.</summary>
public sealed class EgressTests
{
    internal const string Fetcher = """
        export default { async fetch(request) {
          try { const r = await fetch(new URL(request.url).searchParams.get("u"), { headers: { "x-mine": "1", "x-quarterdeck-worker": "9@9" } }); return new Response(r.status + " " + await r.text()); }
          catch (e) { return new Response("refused: " + e.message); } } };
        """;

    internal static string Of(string url) => "/?u=" + Uri.EscapeDataString(url);

    [Fact]
    public async Task A_name_that_changes_what_it_means_gains_nothing()
    {
        using var inside = new Upstream();
        await using var node = await ComputeNode.StartAsync();
        // Public when first looked up, private when looked up again: the checked address is the one that is connected to.
        node.Names["rebind.example"] = new(["192.0.2.1", "127.0.0.1"]);
        var key = node.Deploy(1, Fetcher);
        for (var i = 0; i < 3; i++) (await node.GetAsync(key, Of($"http://rebind.example:{inside.Port}/"))).Body.ShouldStartWith("refused");
        inside.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_allowed_arrives_as_the_worker_sent_it_without_the_platforms_own_headers()
    {
        using var upstream = new Upstream();
        await using var node = await ComputeNode.StartAsync(o => o.AllowedNetworks = ["127.0.0.0/8"]);
        node.Names["api.example"] = new(["127.0.0.1"]);
        var key = node.Deploy(1, Fetcher);
        (await node.GetAsync(key, Of($"http://api.example:{upstream.Port}/a%2Fb?c=%20d"))).Body.ShouldBe("200 upstream");
        var seen = upstream.Requests.ShouldHaveSingleItem();
        seen.ShouldStartWith("GET /a%2Fb?c=%20d HTTP/1.1\r\n");
        seen.ShouldContain($"Host: api.example:{upstream.Port}\r\n");
        seen.ShouldContain("x-mine: 1\r\n");
        seen.ShouldNotContain("quarterdeck", Case.Insensitive);
    }

    [Fact]
    public async Task A_workers_own_list_narrows_what_it_reaches()
    {
        using var upstream = new Upstream();
        await using var node = await ComputeNode.StartAsync(o => o.AllowedNetworks = ["127.0.0.0/8"]);
        foreach (var name in (string[])["api.example", "www.shop.example", "other.example"]) node.Names[name] = new(["127.0.0.1"]);
        node.Names["far.example"] = new(["127.0.0.9"]);
        var named = node.Deploy(1, Fetcher, egress: ["api.example", "*.shop.example"]);
        var addressed = node.Deploy(2, Fetcher, egress: ["127.0.0.1/32"]);
        async Task<bool> Reaches(WorkerKey key, string host) => (await node.GetAsync(key, Of($"http://{host}:{upstream.Port}/"))).Body == "200 upstream";
        (await Reaches(named, "api.example"), await Reaches(named, "www.shop.example"), await Reaches(named, "other.example"), await Reaches(named, "127.0.0.1")).ShouldBe((true, true, false, false));
        (await Reaches(addressed, "other.example"), await Reaches(addressed, "far.example")).ShouldBe((true, false));
        (await node.GetAsync(named, Of("http://other.example/"))).Body.ShouldContain("other.example is not on the worker's list of hosts");
    }

    [Fact]
    public async Task Subrequests_are_counted_and_too_many_at_once_wait()
    {
        using var upstream = new Upstream(hold: TimeSpan.FromMilliseconds(20));
        await using var node = await ComputeNode.StartAsync(o => o.AllowedNetworks = ["127.0.0.0/8"]);
        var key = node.Deploy(1, $$"""
            export default { async fetch(request) {
              const n = Number(new URL(request.url).searchParams.get("n"));
              const all = await Promise.allSettled(Array.from({ length: n }, () => fetch("http://127.0.0.1:{{upstream.Port}}/").then(r => r.text())));
              return Response.json([all.filter(a => a.status === "fulfilled").length, all.find(a => a.status === "rejected")?.reason.message ?? null]); } };
            """, limits: WorkerLimits.Usual with { Subrequests = 12, ConcurrentSubrequests = 3, CpuMs = 20_000, CpuPercent = 100 });
        (await node.GetAsync(key, "/?n=12")).Body.ShouldBe("[12,null]");
        (await node.GetAsync(key, "/?n=10000")).Body.ShouldBe("[12,\"Too many subrequests.\"]");
        (await node.GetAsync(key, "/?n=12")).Body.ShouldBe("[12,null]"); // the next request has its own
        upstream.MostAtOnce.ShouldBeInRange(2, 3);
    }

    [Fact]
    public async Task A_response_that_never_ends_is_cut_off()
    {
        using var upstream = new Upstream(endless: true);
        await using var node = await ComputeNode.StartAsync(o => (o.AllowedNetworks, o.SubresponseBytes) = (["127.0.0.0/8"], 1 << 20));
        var key = node.Deploy(1, Fetcher);
        (await node.GetAsync(key, Of($"http://127.0.0.1:{upstream.Port}/"))).Body.ShouldStartWith("refused");
    }

    [Fact]
    public async Task There_is_no_way_out_but_fetch()
    {
        await using var node = await ComputeNode.StartAsync();
        var key = node.Deploy(1, """
            import { connect } from "cloudflare:sockets";
            export default { async fetch() { try { const s = connect("93.184.215.14:80"); await s.opened; return new Response("connected"); } catch (e) { return new Response("refused"); } } };
            """);
        (await node.GetAsync(key)).Body.ShouldBe("refused");
    }

    [Fact]
    public void Public_addresses_are_told_from_all_others()
    {
        foreach (var address in (string[])["1.1.1.1", "93.184.215.14", "223.255.255.255", "2606:4700:4700::1111", "2a00::1", "::ffff:8.8.8.8"]) PublicAddress.Is(IPAddress.Parse(address)).ShouldBeTrue(address);
        foreach (var address in (string[])["::", "::1", "::127.0.0.1", "ff02::1", "fc00::1", "fec0::1", "100::1", "2001:db8::1", "192.0.0.8", "192.88.99.1", "198.19.0.1", "240.0.0.1", "::ffff:10.0.0.1", "64:ff9b:1::1", "5f00::1"])
            PublicAddress.Is(IPAddress.Parse(address)).ShouldBeFalse(address);
    }

    /// <summary>A bare HTTP server that keeps what it was sent.</summary>
    private sealed class Upstream : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Any, 0);
        private readonly TimeSpan _hold;
        private readonly bool _endless;
        private int _now;
        private int _most;

        public Upstream(TimeSpan hold = default, bool endless = false)
        {
            (_hold, _endless) = (hold, endless);
            _listener.Start();
            _ = AcceptAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;
        public int MostAtOnce => _most;
        public ConcurrentQueue<string> Requests { get; } = new();

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync()
        {
            try
            {
                while (true) _ = AnswerAsync(await _listener.AcceptTcpClientAsync());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
        }

        private async Task AnswerAsync(TcpClient client)
        {
            using (client)
            {
                var stream = client.GetStream();
                var buffer = new byte[16 << 10];
                var read = 0;
                while (!Encoding.ASCII.GetString(buffer, 0, read).Contains("\r\n\r\n", StringComparison.Ordinal))
                    if (await stream.ReadAsync(buffer.AsMemory(read)) is var more and > 0) read += more;
                    else return;
                Requests.Enqueue(Encoding.ASCII.GetString(buffer, 0, read));
                lock (_listener) _most = Math.Max(_most, ++_now);
                await Task.Delay(_hold);
                lock (_listener) _now--;
                if (!_endless)
                {
                    await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nupstream"u8.ToArray());
                    return;
                }
                try
                {
                    await stream.WriteAsync("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"u8.ToArray());
                    while (true) await stream.WriteAsync(buffer);
                }
                catch (IOException) { }
            }
        }
    }
}
