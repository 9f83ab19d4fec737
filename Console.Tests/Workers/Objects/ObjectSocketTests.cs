using System.Net.WebSockets;
using Quarterdeck.Tests.Workers.Hostile;
using Xunit.Abstractions;

namespace Quarterdeck.Tests.Workers.Objects;

/// <summary>Web sockets that stay while their object sleeps, in real workerd. What it prints is kept in docs/measurements.</summary>
public sealed class ObjectSocketTests(ITestOutputHelper output)
{
    private const string Room = """
        import { DurableObject } from "cloudflare:workers";
        export class Counter extends DurableObject {
          constructor(ctx, env) { super(ctx, env); this.heard = 0; this.sockets = ctx.getWebSockets().length; }
          async fetch(request) {
            const name = new URL(request.url).searchParams.get("name"), [theirs, mine] = Object.values(new WebSocketPair());
            this.ctx.acceptWebSocket(mine, ["all", name]);
            mine.serializeAttachment({ name, joined: 1 });
            return new Response(null, { status: 101, webSocket: theirs });
          }
          webSocketMessage(socket, message) {
            this.heard++;
            const { name, joined } = socket.deserializeAttachment();
            socket.serializeAttachment({ name, joined: joined + 1 });
            const line = `${name} ${joined} said ${message}: heard ${this.heard}, woke with ${this.sockets}, tags ${this.ctx.getTags(socket)}, ${this.ctx.getWebSockets(name).length} of ${this.ctx.getWebSockets("all").length}`;
            for (const one of this.ctx.getWebSockets("all")) one.send(line);
          }
          async webSocketClose(socket, code, reason) {
            await this.ctx.storage.put("gone", `${socket.deserializeAttachment().name} ${code} ${reason}, woke with ${this.sockets}`);
            socket.close(code, reason);
          }
          async gone() { return await this.ctx.storage.get("gone") ?? null; }
          state() { return [this.heard, this.sockets, this.ctx.getWebSockets().length]; }
          async auto() { this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong")); return true; }
        }
        const t = async f => { try { return await f(); } catch (e) { return `${e.name}: ${e.message}`; } };
        export default { async fetch(request, env) {
          const stub = env.COUNTERS.getByName("room"), method = new URL(request.url).pathname.slice(1);
          return method === "join" ? stub.fetch(request) : Response.json(await t(() => stub[method]()));
        } };
        """;

    [Fact, Trait("Category", "Long")]
    public async Task Web_sockets_stay_with_their_object_while_it_sleeps_and_wake_it_with_what_was_attached_to_them()
    {
        await using var stack = await HostileStack.StartAsync();
        (await stack.DeployAsync("counter", Room, ObjectLab.Metadata())).ShouldBeNull();
        using var ada = await stack.SocketAsync("/join?name=ada");
        using var bo = await stack.SocketAsync("/join?name=bo");
        await SayAsync(ada, "hi", "ada 1 said hi: heard 1, woke with 0, tags all,ada, 1 of 2", ada, bo);
        await SayAsync(ada, "more", "ada 2 said more: heard 2, woke with 0, tags all,ada, 1 of 2", ada, bo);

        // workerd lets an object sleep after ten quiet seconds: its memory is gone then, its sockets and their attachments are not.
        await AsleepAsync(stack);
        await SayAsync(bo, "again", "bo 1 said again: heard 1, woke with 2, tags all,bo, 1 of 2", ada, bo);
        await SayAsync(ada, "still", "ada 3 said still: heard 2, woke with 2, tags all,ada, 1 of 2", ada, bo);

        // A visitor that leaves wakes it, too.
        await Task.Delay(TimeSpan.FromSeconds(15));
        await ada.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default).WaitAsync(TimeSpan.FromSeconds(60));
        await Eventually.Is(async () => (await stack.AskAsync("/gone")).StartsWith("\"ada 1000 bye", StringComparison.Ordinal), "the object heard of it");
        Say(await stack.AskAsync("/gone"));
        await SayAsync(bo, "alone", null, bo);

        // Another version takes the object over, and its sockets are closed.
        Say("automatic answers: " + await stack.AskAsync("/auto"));
        (await stack.DeployAsync("counter", "// two\n" + Room, ObjectLab.Metadata())).ShouldBeNull();
        await Eventually.Is(async () => (await stack.AskAsync("/state")) == "[0,0,0]", "the new version has the object");
        await Should.ThrowAsync<WebSocketException>(async () => Say("after a new version: " + await ObjectLab.HearAsync(bo)));
    }

    private async Task AsleepAsync(HostileStack stack)
    {
        // A look wakes it, so each look is followed by as long a quiet.
        await Eventually.Is(async () =>
        {
            await Task.Delay(TimeSpan.FromSeconds(15));
            return await stack.AskAsync("/state") == "[0,2,2]";
        }, "the object slept");
        Say("slept with two sockets");
    }

    private async Task SayAsync(ClientWebSocket from, string text, string? expected, params ClientWebSocket[] hearers)
    {
        await ObjectLab.SayAsync(from, text);
        foreach (var one in hearers)
        {
            var heard = await ObjectLab.HearAsync(one);
            if (expected is not null) heard.ShouldBe(expected);
            if (one == hearers[0]) Say(heard);
        }
    }

    private void Say(string line) => output.WriteLine(line);
}
