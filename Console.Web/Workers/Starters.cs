using System.Text.Json;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>Code to begin with.</summary>
/// <param name="Key">Its value in the query string.</param>
/// <param name="Title">What it is.</param>
/// <param name="Text">What it shows.</param>
/// <param name="Files">Its modules, the main one first.</param>
/// <param name="Bindings">Bindings that it needs, as REST has them.</param>
/// <param name="Triggers">What else starts it.</param>
public sealed record Starter(
    string Key, string Title, string Text, IReadOnlyList<(string Name, string Text)> Files, IReadOnlyDictionary<string, JsonElement>? Bindings = null, WorkerTriggers? Triggers = null)
{
    private const string Worker = "{worker}", Bucket = "{bucket}";

    /// <summary>Whether it reads a bucket: one that is there, for where data lies is an administrator's choice.</summary>
    public bool WantsBucket => Bindings?.Values.Any(b => b.GetRawText().Contains(Bucket, StringComparison.Ordinal)) == true;

    /// <summary>The same with the names of whoever begins with it, so that two workers don't share what each is to have alone.</summary>
    /// <param name="worker">The worker's name.</param>
    /// <param name="bucket">The bucket's; anything where <see cref="WantsBucket"/> is false.</param>
    public Starter For(string worker, string bucket) => this with
    {
        Bindings = Bindings?.ToDictionary(b => b.Key, b => b.Value.ValueKind is JsonValueKind.Object
            ? JsonSerializer.SerializeToElement(b.Value.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.ToString().Replace(Worker, worker, StringComparison.Ordinal).Replace(Bucket, bucket, StringComparison.Ordinal))) : b.Value),
        Triggers = Triggers is null ? null : Triggers with { Queues = [.. Triggers.Queues.Select(q => q with { Queue = q.Queue.Replace(Worker, worker, StringComparison.Ordinal) })] },
    };
}

/// <summary>The starters of the page <c>/workers/new</c>; each but the proxy, which needs another site, is deployed and called by a test.</summary>
public static class Starters
{
    /// <summary>All of them, the simplest first.</summary>
    public static IReadOnlyList<Starter> All { get; } =
    [
        new("hello", "Hello", "Answers every request with a line of text.", [("index.js", """
            export default {
              async fetch(request, env, ctx) {
                const { pathname } = new URL(request.url);
                console.log(`${request.method} ${pathname}`);
                return new Response(`Hello from Quarterdeck, you asked for ${pathname}\n`);
              },
            };

            """)]),
        new("api", "JSON API", "Routes by method and path, reads JSON, answers errors as JSON.", [("index.js", """
            import { json, problem } from "./answers.js";

            const routes = {
              "GET /time": () => json({ now: new Date().toISOString() }),
              "POST /sum": async request => {
                const { numbers } = await request.json();
                if (!Array.isArray(numbers) || !numbers.every(Number.isFinite)) return problem(422, "numbers: an array of numbers is expected");
                return json({ sum: numbers.reduce((a, b) => a + b, 0) });
              },
            };

            export default {
              async fetch(request) {
                const route = routes[`${request.method} ${new URL(request.url).pathname}`];
                if (!route) return problem(404, "There is no such route");
                try {
                  return await route(request);
                } catch (error) {
                  if (error instanceof SyntaxError) return problem(400, "The body is no JSON");
                  throw error;
                }
              },
            };

            """), ("answers.js", """
            export const json = (body, status = 200) => Response.json(body, { status });

            export const problem = (status, title) =>
              new Response(JSON.stringify({ status, title }), { status, headers: { "content-type": "application/problem+json" } });

            """)]),
        new("page", "Page", "Serves HTML from a module of its own and reads a form.", [("index.js", """
            import page from "./page.html";

            const escape = text => text.replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);

            export default {
              async fetch(request) {
                const name = request.method === "POST" ? String((await request.formData()).get("name") ?? "") : "";
                const greeting = name ? `Good day, ${escape(name)}.` : "Who are you?";
                return new Response(page.replace("{greeting}", greeting), { headers: { "content-type": "text/html; charset=utf-8" } });
              },
            };

            """), ("page.html", """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>Greeting</title>
            <body>
              <h1>{greeting}</h1>
              <form method="post"><label>Name <input name="name"></label> <button>Greet</button></form>
            </body>
            </html>

            """)]),
        new("proxy", "Proxy", "Passes requests on to another site and changes headers on the way.", [("index.js", """
            export default {
              async fetch(request, env) {
                const url = new URL(request.url);
                const upstream = new URL(url.pathname + url.search, env.UPSTREAM);
                const answer = await fetch(new Request(upstream, request));
                const headers = new Headers(answer.headers);
                headers.set("x-served-by", "quarterdeck");
                headers.delete("server");
                return new Response(answer.body, { status: answer.status, headers });
              },
            };

            """)], Json("""{"UPSTREAM":"https://example.com"}""")),
        new("websocket", "WebSocket", "Echoes what it is sent over a WebSocket.", [("index.js", """
            export default {
              async fetch(request) {
                if (request.headers.get("upgrade") !== "websocket") return new Response("Connect with a WebSocket\n", { status: 426 });
                const [client, server] = Object.values(new WebSocketPair());
                server.accept();
                server.addEventListener("message", event => server.send(`echo: ${event.data}`));
                return new Response(null, { status: 101, webSocket: client });
              },
            };

            """)]),
        new("cron", "Scheduled", "Runs every five minutes, and answers when it last ran.", [("index.js", """
            let last = "not since this isolate started";

            export default {
              async scheduled(event, env, ctx) {
                last = new Date(event.scheduledTime).toISOString();
                console.log(`ran for ${event.cron}`);
              },
              async fetch() {
                return new Response(`Last run: ${last}\n`);
              },
            };

            """)], Triggers: new WorkerTriggers(["*/5 * * * *"], [])),
        new("counter", "Counter", "Counts visits in a key-value store.", [("index.js", """
            export default {
              async fetch(request, env) {
                const visits = Number(await env.VISITS.get("count")) + 1;
                await env.VISITS.put("count", String(visits));
                return Response.json({ visits });
              },
            };

            """)], Json("""{"VISITS":{"type":"kv","namespace":"visits"}}""")),
        new("queue", "Queue", "Answers at once and does the work later: messages are stored until they are handled.", [("index.js", """
            /** @type {ExportedHandler<Env, { path: string }>} */
            export default {
              async fetch(request, env) {
                const { pathname } = new URL(request.url);
                await env.JOBS.send({ path: pathname, askedAt: Date.now() });
                return new Response(`Queued ${pathname}\n`, { status: 202 });
              },

              // What is not acknowledged comes again when this throws, three times at most.
              async queue(batch, env, ctx) {
                for (const message of batch.messages) {
                  console.log(`handling ${message.body.path}, attempt ${message.attempts}`);
                  message.ack();
                }
              },
            };

            """)], Json("""{"JOBS":{"type":"queue","queue":"{worker}-jobs"}}"""), new WorkerTriggers([], [new QueueConsumer("{worker}-jobs", MaxBatchTimeoutSeconds: 1)])),
        new("object", "Durable object", "Keeps state in SQLite that all requests share, one object for each room.", [("index.js", """
            import { DurableObject } from "cloudflare:workers";

            // There is one of each name over all nodes, and it outlives every restart.
            export class Room extends DurableObject {
              constructor(ctx, env) {
                super(ctx, env);
                ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS visits (at INTEGER)");
              }

              enter() {
                this.ctx.storage.sql.exec("INSERT INTO visits VALUES (?)", Date.now());
                return this.ctx.storage.sql.exec("SELECT COUNT(*) AS visits FROM visits").one().visits;
              }
            }

            /** @type {ExportedHandler<Env>} */
            export default {
              async fetch(request, env) {
                const room = new URL(request.url).pathname.slice(1) || "lobby";
                return Response.json({ room, visits: await env.ROOMS.getByName(room).enter() });
              },
            };

            """)], Json("""{"ROOMS":{"type":"durable_object","class":"Room"}}""")),
        new("files", "Files of a bucket", "Serves what a bucket holds, by path; put files into it on its page.", [("index.js", """
            /** @type {ExportedHandler<Env>} */
            export default {
              async fetch(request, env) {
                if (request.method !== "GET" && request.method !== "HEAD") return new Response("Read only\n", { status: 405, headers: { allow: "GET, HEAD" } });
                const key = decodeURIComponent(new URL(request.url).pathname.slice(1)) || "index.html";
                const file = await env.FILES.get(key, { onlyIf: request.headers });
                if (file === null) return new Response(`There is no ${key}\n`, { status: 404 });
                const headers = new Headers({ etag: file.httpEtag });
                file.writeHttpMetadata(headers);
                if (!("body" in file)) return new Response(null, { status: 304, headers }); // the visitor has it already
                return new Response(file.body, { headers });
              },
            };

            """)], Json("""{"FILES":{"type":"bucket","bucket":"{bucket}"}}""")),
        new("typescript", "TypeScript", "The same as Hello with types; compiled when it is deployed.", [("index.ts", """
            // Env has what the worker's settings bind.
            export default {
              async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
                const { pathname } = new URL(request.url);
                return new Response(`Hello from TypeScript, you asked for ${pathname}\n`);
              },
            } satisfies ExportedHandler<Env>;

            """)]),
    ];

    private static Dictionary<string, JsonElement> Json(string bindings) => JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(bindings)!;
}
