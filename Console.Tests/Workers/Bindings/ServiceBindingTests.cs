using Quarterdeck.Tests.Workers.Runtime;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Bindings;

namespace Quarterdeck.Tests.Workers.Bindings;

/// <summary>Workers that call workers, in real workerd.</summary>
public sealed class ServiceBindingTests
{
    private const string Callee = """
        import { WorkerEntrypoint } from "cloudflare:workers";
        let n = 0;
        export class Sums extends WorkerEntrypoint { add(a, b) { return a + b; } async fetch(r) { return new Response("sums " + new URL(r.url).host); } }
        export default class extends WorkerEntrypoint {
          async fetch(r) { return new Response(`${++n} ${r.method} ${r.url} ${r.headers.get("x-mine")} ${r.headers.get("x-quarterdeck-worker") ?? "-"} ${await r.text()}`, { status: 201, headers: { "x-theirs": "yes" } }); }
          hello(name) { return { text: `hello ${name}` }; }
        };
        """;

    private const string Caller = """
        const t = async f => { try { return await f(); } catch (e) { return e.message; } };
        export default { async fetch(request, env) {
          const r = await env.API.fetch("http://anything/a?b=c", { method: "POST", headers: { "x-mine": "1", "x-quarterdeck-worker": "9@9" }, body: "body" });
          return Response.json([r.status, r.headers.get("x-theirs"), await r.text(), await t(async () => (await env.API.hello("you")).text), await t(() => env.SUMS?.add(2, 3)), await t(async () => (await env.SUMS.fetch("http://h/")).text())]);
        } };
        """;

    [Fact]
    public async Task A_worker_sends_requests_to_another_and_calls_its_methods_in_the_same_process()
    {
        await using var node = await StartAsync();
        node.Deploy(2, Callee);
        var answer = await node.GetAsync(node.Deploy(1, Caller, bindings: Bound));
        answer.Body.ShouldBe("""[201,"yes","1 POST http://anything/a?b=c 1 9@9 body","hello you",5,"sums h"]""");
        node.Servers.List().Count.ShouldBe(1);
    }

    [Fact]
    public async Task Into_a_cordon_and_out_of_it_only_requests_pass_and_say_so()
    {
        await using var node = await StartAsync();
        var caller = node.Deploy(1, Caller, bindings: Bound);
        node.Deploy(2, Callee, tier: WorkerTier.Cordon);
        var into = await node.GetAsync(caller);
        into.Body.ShouldStartWith("""[201,"yes","1 POST http://anything/a?b=c 1 2@1 body","The worker 'w2' runs in a process of its own""");
        into.Body.ShouldContain("only its default entrypoint");
        node.Servers.List().Count.ShouldBe(2);

        node.Move(2, WorkerTier.Shared);
        node.Move(1, WorkerTier.Cordon);
        (await node.GetAsync(caller)).Body.ShouldStartWith("""[201,"yes","1 POST http://anything/a?b=c 1 2@1 body","The worker 'w2' runs""");

        node.Move(2, WorkerTier.Off);
        await ComputeNode.Until(() => node.GetAsync(caller).Result.Error?.Contains("switched off", StringComparison.Ordinal) == true, "the callee is off");
    }

    [Fact]
    public async Task Workers_that_call_each_other_in_a_circle_end_by_their_subrequests()
    {
        await using var node = await StartAsync();
        const string Circle = """export default { async fetch(r, env) { try { return await env.NEXT.fetch(r); } catch (e) { return new Response(e.message); } } };""";
        var first = node.Deploy(1, Circle, bindings: [ComputeNode.Binding("NEXT", BindingKind.Service, new { worker = "w2" })]);
        node.Deploy(2, Circle, bindings: [ComputeNode.Binding("NEXT", BindingKind.Service, new { worker = "w1" })]);
        (await node.GetAsync(first)).Body.ShouldContain("subrequest", Case.Insensitive);
        (await node.GetAsync(first)).Body.ShouldContain("subrequest", Case.Insensitive);
    }

    [Fact]
    public async Task A_new_deployment_of_the_callee_is_called_soon()
    {
        await using var node = await StartAsync();
        node.Deploy(2, "export default { fetch() { return new Response('one'); } };");
        var caller = node.Deploy(1, "export default { fetch(r, env) { return env.API.fetch(r); } };", bindings: Bound);
        (await node.GetAsync(caller)).Body.ShouldBe("one");
        node.Deploy(2, "export default { fetch() { return new Response('two'); } };", version: 2);
        await ComputeNode.Until(() => node.GetAsync(caller).Result.Body == "two", "the new version answers");
    }

    [Fact]
    public async Task Without_the_guard_an_end_during_a_call_is_put_on_caller_and_callee_and_outside_of_one_on_the_caller_alone()
    {
        await using var node = await StartAsync(o => o.Guard = false);
        node.Deploy(2, "export default { fetch(r) { if (r.url.endsWith('/theirs')) for (;;); return new Response('fine'); } };");
        var caller = node.Deploy(1, """
            export default { async fetch(r, env) {
              const answer = await (await env.API.fetch(r.url.endsWith('/theirs') ? r : 'http://api/')).text();
              if (r.url.endsWith('/mine')) for (;;);
              return new Response(answer);
            } };
            """, bindings: Bound);
        (await node.GetAsync(caller)).Body.ShouldBe("fine");
        (await node.TryAsync(caller, "/theirs")).Status.ShouldBeOneOf(0, 500);
        await ComputeNode.Until(() => node.Ends.Count == 2, "both are named");
        node.Ends.Select(end => end.Blame!.Value.Serial).ShouldBe([1, 2]);
        node.Info().LastEnd!.ShouldContain("it had called 2@1");
        node.Ends.Clear();
        await node.AskAsync(caller);
        await ComputeNode.Until(() => node.ServerOf(caller).Process.Calls.CalledBy(caller).Count == 0, "the call's end is told");
        (await node.TryAsync(caller, "/mine")).Status.ShouldBeOneOf(0, 500);
        await ComputeNode.Until(() => !node.Ends.IsEmpty, "somebody is named");
        node.Ends.First().Blame.ShouldBe(caller);
    }

    private static IReadOnlyList<WorkerBinding> Bound { get; } =
        [ComputeNode.Binding("API", BindingKind.Service, new { worker = "w2" }), ComputeNode.Binding("SUMS", BindingKind.Service, new { worker = "w2", entrypoint = "Sums" })];

    private static async Task<ComputeNode> StartAsync(Action<ComputeServerOptions>? adjust = null)
    {
        ComputeNode? node = null;
        var table = new Later(() => node!);
        return node = await ComputeNode.StartAsync(adjust, [table]);
    }

    // The node is made with its bindings, which need the node's table.
    private sealed class Later(Func<ComputeNode> node) : IBindingService
    {
        private readonly Lazy<ServiceBinding> _inner = new(() => new ServiceBinding(node().Table, () => node().Servers));

        public string Kind => "service";

        public ValueTask<BindingReply> HandleAsync(BindingCall call, CancellationToken cancellation) => _inner.Value.HandleAsync(call, cancellation);
    }
}
