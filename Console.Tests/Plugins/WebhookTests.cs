using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Plugins.Webhooks;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Plugins;

public sealed class WebhookTests
{
    private static readonly string Manifest = OvaBuilder.Plugin.Replace("\"ui\":{", "\"webhooks\":{\"path\":\"/events\",\"port\":80,\"events\":[\"vm.started\",\"host.state\"]},\"ui\":{");

    [Theory, DatabaseData]
    public async Task Chosen_events_that_it_may_see_are_posted_in_order_and_signed(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var plugin = await ReadyAsync(room, "vms.read");
        await using var guest = new Guest("HTTP/1.1 204 No Content\r\n\r\n");
        var store = room.Get<WebhookStore>();
        foreach (var name in new[] { "one", "two", "three" }) await store.AddAsync(new WebhookEvent("vm.started", "vms.read", new { name }), default);
        await store.AddAsync(new WebhookEvent("vm.deleted", "vms.read", new { name = "not chosen" }), default);
        await store.AddAsync(new WebhookEvent("host.state", "hosts.read", new { name = "not approved" }), default);

        await Courier(room, guest).DeliverAsync(plugin.PluginId, default);

        guest.Requests.Select(r => JsonDocument.Parse(r.Body).RootElement.GetProperty("subject").GetProperty("name").GetString()).ShouldBe(["one", "two", "three"]);
        foreach (var (head, body) in guest.Requests)
        {
            head.ShouldStartWith("POST /events HTTP/1.1");
            head.ShouldContain("Quarterdeck-Event: vm.started");
            head.ShouldContain($"Quarterdeck-Signature: v1={WebhookPost.Sign(plugin.WebhookSecret!, Header(head, "Quarterdeck-Timestamp"), body)}");
        }
        (await store.DueAsync(default)).ShouldBeEmpty();
        (await room.Enrolment.HeartbeatAsync(plugin.PluginId, plugin.Token, PluginRoom.Says("healthy") with { AskWebhookSecret = true }, default)).Value.WebhookSecret.ShouldBe(plugin.WebhookSecret);
    }

    [Theory]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/meta-data/\r\nContent-Length: 0\r\n\r\n", "redirect")]
    [InlineData("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "500")]
    [InlineData("nonsense\r\n\r\n", "not reached")]
    public async Task What_is_not_taken_waits_and_is_tried_again_later_before_anything_newer(string answer, string reason)
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var plugin = await ReadyAsync(room, "vms.read");
        await using var guest = new Guest(answer);
        var store = room.Get<WebhookStore>();
        await store.AddAsync(new WebhookEvent("vm.started", "vms.read", new { name = "first" }), default);
        await store.AddAsync(new WebhookEvent("vm.started", "vms.read", new { name = "second" }), default);
        var courier = Courier(room, guest);

        for (var attempt = 0; attempt < 4; attempt++)
        {
            await courier.DeliverAsync(plugin.PluginId, default);
            (await store.NextAsync(plugin.PluginId, default)).ShouldBeNull("it is tried again at once");
            room.Time.Forward(TimeSpan.FromMinutes(1));
        }

        guest.Requests.Count.ShouldBe(4);
        guest.Requests.ShouldAllBe(r => r.Body.Contains("first"));
        var history = await room.Get<Quarterdeck.Plugins.Registry.MomentStore>().ListAsync(plugin.PluginId, default);
        history[0].Reason!.ShouldContain(reason);
        guest.Answer = "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\nten gigabytes that nobody reads";
        await courier.DeliverAsync(plugin.PluginId, default);
        guest.Requests.Skip(4).Select(r => r.Body.Contains("first") ? 1 : 2).ShouldBe([1, 2]);
    }

    [Fact]
    public async Task A_full_queue_gives_the_oldest_up()
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var plugin = await ReadyAsync(room, "vms.read");
        var store = room.Get<WebhookStore>();
        await using (var connection = await room.Db.OpenAsync(default))
            for (var i = 0; i < WebhookStore.Waiting; i++)
                await connection.ExecuteAsync("INSERT INTO plugin_events (id, plugin_id, name, body, attempts, not_before) VALUES (@id, @plugin, 'vm.started', @body, 0, 0)", new { id = $"0000{i:d8}", plugin = plugin.PluginId, body = $"{i}" });

        (await store.AddAsync(new WebhookEvent("vm.started", "vms.read", new { name = "newest" }), default)).ShouldBe([plugin.PluginId]);

        await using var after = await room.Db.OpenAsync(default);
        (await after.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM plugin_events")).ShouldBe(WebhookStore.Waiting);
        (await after.QuerySingleAsync<string>("SELECT body FROM plugin_events ORDER BY number LIMIT 1")).ShouldBe("1");
    }

    private static string Header(string head, string name) => head.Split("\r\n").Single(l => l.StartsWith(name + ": ", StringComparison.Ordinal))[(name.Length + 2)..];

    private static WebhookCourier Courier(PluginRoom room, Guest guest)
    {
        var store = room.Get<WebhookStore>();
        return new WebhookCourier(store, room.Store, new WebhookPost((_, port, _) => Task.FromResult(port == 80 ? guest.Address : Result<IPEndPoint>.From(null!)), store, room.Time), room.Time, NullLogger<WebhookCourier>.Instance);
    }

    private static async Task<EnrolmentAnswer> ReadyAsync(PluginRoom room, params string[] approved)
    {
        var plugin = await room.PoweredOnAsync(Manifest);
        await room.ApproveAsync(plugin.Id, approved);
        var answer = (await room.Enrolment.EnrolAsync(PluginRoom.Request(plugin.Token, Manifest), default)).Value;
        await room.Enrolment.HeartbeatAsync(plugin.Id, answer.Token, PluginRoom.Says("healthy"), default);
        return answer;
    }

    /// <summary>A guest that writes down what it is sent, and answers what it is told to.</summary>
    private sealed class Guest : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Task _serving;

        public Guest(string answer)
        {
            Answer = answer;
            _listener.Start();
            _serving = ServeAsync();
        }

        public string Answer { get; set; }
        public List<(string Head, string Body)> Requests { get; } = [];
        public Result<IPEndPoint> Address => (IPEndPoint)_listener.LocalEndpoint;

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
        }

        private async Task ServeAsync()
        {
            while (true)
            {
                TcpClient client;
                try { client = await _listener.AcceptTcpClientAsync(); }
                catch (Exception e) when (e is SocketException or ObjectDisposedException) { return; }
                using (client)
                {
                    var stream = client.GetStream();
                    var (text, buffer) = ("", new byte[64 << 10]);
                    int end, length = 0;
                    while ((end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal)) < 0 || text.Length < end + 4 + (length = int.Parse(Header(text[..end], "Content-Length"), System.Globalization.CultureInfo.InvariantCulture)))
                        if (await stream.ReadAsync(buffer) is var read and > 0) text += Encoding.UTF8.GetString(buffer, 0, read); else break;
                    Requests.Add((text[..end], text.Substring(end + 4, length)));
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(Answer));
                }
            }
        }
    }
}
