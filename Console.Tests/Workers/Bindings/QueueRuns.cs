using System.Text.Json;

namespace Quarterdeck.Tests.Workers.Bindings;

/// <summary>One call of a consumer's <c>queue()</c>, as it noted itself in a key-value namespace.</summary>
/// <param name="Ids">Bodies of the messages that it had.</param>
/// <param name="Start">When it began, milliseconds since 1970.</param>
/// <param name="End">When it had handled them; null when it never did.</param>
/// <param name="Me">Names the isolate that ran it.</param>
internal sealed record QueueRun(int[] Ids, long Start, long? End, string Me);

/// <summary>A worker that sends numbers into a queue and consumes them, noting each call; and what can be read out of its notes.</summary>
internal static class QueueRuns
{
    /// <summary>Bindings: the queue <c>Q</c>, the notes <c>LOG</c>.</summary>
    public static string Source(string wait, string more = "") => $$"""
        let me;
        const list = async log => {
          const runs = [];
          for (let cursor; ;) {
            const page = await log.list({ prefix: "run/", cursor });
            runs.push(...page.keys.map(k => k.metadata));
            if (page.list_complete) return runs;
            cursor = page.cursor;
          }
        };
        export default {
          async fetch(request, env) {
            const url = new URL(request.url), from = Number(url.searchParams.get("from")), count = Number(url.searchParams.get("count"));
            me ??= crypto.randomUUID();
            switch (url.pathname) {
              case "/send":
                for (let i = 0; i < count; i += 100) await env.Q.sendBatch(Array.from({ length: Math.min(100, count - i) }, (_, k) => ({ body: from + i + k })));
                return new Response("sent");
              case "/runs": return Response.json(await list(env.LOG));
              case "/me": return new Response(me);
              case "/go": await env.LOG.put("go", "1"); return new Response("gone");
              {{more}}
            }
            return new Response("There is no such path", { status: 404 });
          },
          async queue(batch, env) {
            me ??= crypto.randomUUID();
            const key = `run/${crypto.randomUUID()}`, run = { ids: batch.messages.map(m => m.body), start: Date.now(), me };
            await env.LOG.put(key, "", { metadata: run });
            {{wait}}
            await env.LOG.put(key, "", { metadata: { ...run, end: Date.now() } });
          },
        };
        """;

    public static IReadOnlyList<QueueRun> Read(string json) => JsonSerializer.Deserialize<List<QueueRun>>(json, JsonSerializerOptions.Web)!;

    /// <summary>Messages that some call has handled to its end.</summary>
    public static HashSet<int> Handled(this IEnumerable<QueueRun> runs) => [.. runs.Where(r => r.End is not null).SelectMany(r => r.Ids)];

    /// <summary>Messages that two calls had at once: a call that never ended had its own until its process was killed.</summary>
    public static IReadOnlyList<int> AtOnce(this IReadOnlyList<QueueRun> runs, long killed) =>
    [
        .. from run in runs
           from id in run.Ids
           group run by id into same
           let ordered = same.OrderBy(r => r.Start).ToList()
           where ordered.Zip(ordered.Skip(1)).Any(pair => (pair.First.End ?? killed) > pair.Second.Start)
           select same.Key,
    ];
}
