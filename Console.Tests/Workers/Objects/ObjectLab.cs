using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Quarterdeck.Tests.Workers.Hostile;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Objects;

/// <summary>A worker with durable objects behind the real front.</summary>
internal static class ObjectLab
{
    /// <summary>Counts in memory, in key-value storage and in SQL; a path names the object and a method.</summary>
    public const string Counter = """
        import { DurableObject, RpcTarget } from "cloudflare:workers";
        let born = 0;
        class Hand extends RpcTarget { constructor(o) { super(); this.o = o; } double() { return this.o.memory * 2; } }
        export class Counter extends DurableObject {
          constructor(ctx, env) {
            super(ctx, env);
            this.memory = 0; this.born = ++born; this.woken = [];
            ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS clicks (at INTEGER)");
            ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS notes (token TEXT)");
          }
          get version() { return VERSION; }
          async add() {
            this.memory++;
            const stored = ((await this.ctx.storage.get("n")) ?? 0) + 1;
            await this.ctx.storage.put("n", stored);
            this.ctx.storage.sql.exec("INSERT INTO clicks VALUES (?)", Date.now());
            return { stored, memory: this.memory, clicks: this.ctx.storage.sql.exec("SELECT COUNT(*) AS n FROM clicks").one().n, version: VERSION };
          }
          who() { return { id: this.ctx.id.toString(), name: this.ctx.id.name, env: Object.keys(this.env), props: JSON.stringify(this.ctx.props) }; }
          async back(f) { return await f("object") + "!"; }
          hand() { return new Hand(this); }
          fail() { throw new RangeError("no such thing"); }
          async slow(ms) { this.busy = true; await scheduler.wait(ms); return VERSION; }
          isBusy() { return this.busy === true; }
          async wake(ms) { await this.ctx.storage.setAlarm(Date.now() + ms); return await this.ctx.storage.getAlarm() > Date.now(); }
          async alarm(info) {
            await this.ctx.storage.put("woken", [...(await this.ctx.storage.get("woken")) ?? [], `${info.retryCount} ${info.isRetry}`]);
            if (await this.ctx.storage.get("unlucky") && info.retryCount < 1) throw new Error("unlucky");
          }
          async woken_() { return (await this.ctx.storage.get("woken")) ?? []; }
          async sleepless() { await this.ctx.storage.put("unlucky", true); return this.wake(1); }
          async both(fail) {
            try { await this.ctx.storage.transaction(async t => { await t.put("t", (await t.get("t") ?? 0) + 1); if (fail) throw new Error("rolled back"); }); } catch (e) { if (!fail) throw e; }
            return await this.ctx.storage.get("t") ?? 0;
          }
          async clear() { await this.ctx.storage.deleteAll(); return [...(await this.ctx.storage.list()).keys()].length; }
          async fill(mib) { for (let i = 0; i < mib; i++) await this.ctx.storage.put(`part ${i}`, "x".repeat(1 << 20)); return [...(await this.ctx.storage.list()).keys()].length; }
          async parts() { return [...(await this.ctx.storage.list({ prefix: "part " })).values()].filter(v => v.length === 1 << 20).length; }
          async drop() { for (const key of (await this.ctx.storage.list({ prefix: "part " })).keys()) await this.ctx.storage.delete(key); return true; }
          async goRound(mib) {
            const { storage } = this.ctx, { put } = Object.getPrototypeOf(storage);
            for (let i = 0; i < mib; i++) { await put.call(storage, `part ${i}`, "y".repeat(1 << 20)); await storage.sync(); }
            return mib;
          }
          async note(token) { this.ctx.storage.sql.exec("INSERT INTO notes VALUES (?)", token); await this.ctx.storage.put(`note ${token}`, token); return token; }
          async notes() {
            const rows = this.ctx.storage.sql.exec("SELECT token FROM notes ORDER BY token").toArray().map(r => r.token);
            return [rows, [...(await this.ctx.storage.list({ prefix: "note " })).values()].sort()];
          }
          spin() { for (;;); }
          async fetch(request) {
            if (request.headers.get("upgrade") === "websocket") {
              const [mine, theirs] = Object.values(new WebSocketPair());
              this.ctx.acceptWebSocket(theirs, ["all"]);
              return new Response(null, { status: 101, webSocket: mine });
            }
            return new Response(`${request.method} ${request.url} ${await request.text()}`, { status: 203, headers: { "x-object": "yes" } });
          }
          webSocketMessage(socket, message) { for (const one of this.ctx.getWebSockets("all")) one.send(`${message} ${this.ctx.getWebSockets().length}`); }
          webSocketClose() { }
        }
        const t = async f => { try { return await f(); } catch (e) { return `${e.name}: ${e.message}`; } };
        export default { async fetch(request, env) {
          const url = new URL(request.url), [, name, method] = url.pathname.split("/");
          const stub = env.COUNTERS.get(env.COUNTERS.idFromName(name));
          if (method === "fetch") return stub.fetch(request);
          if (method === "back") return Response.json(await t(() => stub.back(async x => "hello " + x)));
          if (method === "hand") return Response.json(await t(() => stub.hand().double()));
          if (method === "version") return Response.json(await t(() => stub.version));
          if (method === "ids") return Response.json(await ids(env));
          return Response.json(await t(() => stub[method](...JSON.parse(url.searchParams.get("a") ?? "[]"))));
        } };
        async function ids({ COUNTERS }) {
          const one = COUNTERS.idFromName("a"), other = COUNTERS.newUniqueId();
          return [String(one) === String(COUNTERS.idFromName("a")), one.equals(COUNTERS.idFromString(String(one))), other.equals(one), one.name, COUNTERS.get(other).id.equals(other), /^[0-9a-f]{64}$/.test(String(other)),
            await t(() => COUNTERS.idFromString("0".repeat(64))), await t(() => COUNTERS.idFromString("x")), await t(() => COUNTERS.get("x")), (await COUNTERS.getByName("a").who()).name, (await COUNTERS.get(other).who()).id === String(other)];
        }
        """;

    public static string Version(string version) => $"const VERSION = {JsonValue.Create(version).ToJsonString()};\n{Counter}";

    public static WorkerMetadata Metadata(object? bindings = null) => new()
    {
        MainModule = "main.js", Bindings = WorkersRoom.Bindings(bindings ?? new { COUNTERS = new { type = "durable_object", @class = "Counter" } }),
    };

    public static async Task<string> AskAsync(this HostileStack stack, string path, string host = "counter.test")
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(stack.Front, path));
        request.Headers.Host = host;
        using var answer = await client.SendAsync(request);
        var body = await answer.Content.ReadAsStringAsync();
        return answer.StatusCode is HttpStatusCode.OK ? body : $"{(int)answer.StatusCode} {body}";
    }

    public static async Task<ClientWebSocket> SocketAsync(this HostileStack stack, string path, string host = "counter.test")
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Host", host);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await socket.ConnectAsync(new UriBuilder(new Uri(stack.Front, path)) { Scheme = "ws" }.Uri, patience.Token);
        return socket;
    }

    public static Task SayAsync(ClientWebSocket socket, string text) => socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, default);

    public static async Task<string> HearAsync(ClientWebSocket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var bytes = new byte[1024];
        var got = await socket.ReceiveAsync(bytes, patience.Token);
        return Encoding.UTF8.GetString(bytes, 0, got.Count);
    }

    /// <summary>The process that has the objects.</summary>
    public static ComputeServerInfo Keeper(this HostileStack stack) => stack.Servers.Single(s => s.Id.StartsWith('o'));
}
