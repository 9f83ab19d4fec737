using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers;

/// <summary>Frameworks and templates as they come from npm: sent in as project folders, tried by the real runtime, called through the front.</summary>
public sealed class FrameworkTests
{
    [Fact]
    public async Task Hono_itty_router_and_the_templates_of_wrangler_deploy_as_they_are_and_answer()
    {
        var packages = await NpmPackages.RestoreAsync("frameworks");
        await using var console = await TestConsole.StartAsync(new Dictionary<string, string> { ["QUARTERDECK_WORKER_URLS"] = "http://127.0.0.1:0" });
        var front = console.App.Services.GetRequiredService<WorkerFront>();
        await front.OpenedAsync(default).WaitAsync(TimeSpan.FromSeconds(60));

        await DeployAsync("hono", folder =>
        {
            ProjectFolder.Copy(Path.Combine(packages, "hono"), Path.Combine(folder, "node_modules", "hono"));
            ProjectFolder.Write(folder, "tsconfig.json", """{ "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "hono/jsx" } }""");
            ProjectFolder.Write(folder, "src/index.tsx", """
                import { Hono } from 'hono'
                import { etag } from 'hono/etag'
                const app = new Hono<{ Bindings: { GREETING: string } }>()
                app.use('*', etag())
                app.get('/', c => c.html(<h1>{c.env.GREETING}</h1>))
                app.get('/api/:id', c => c.json({ id: c.req.param('id') }))
                app.post('/echo', async c => c.text((await c.req.text()).toUpperCase()))
                export default app
                """);
            ProjectFolder.Write(folder, "wrangler.jsonc", """{ "name": "hono", "main": "src/index.tsx", "compatibility_date": "2026-01-01", "vars": { "GREETING": "Ahoy" }, "routes": ["hono.test/*"] } // as people write it""");
        });
        await AnswersAsync("hono.test", "/", "<h1>Ahoy</h1>");
        await AnswersAsync("hono.test", "/api/7", """{"id":"7"}""");
        await AnswersAsync("hono.test", "/echo", "AYE", new StringContent("aye"));

        await DeployAsync("itty", folder =>
        {
            ProjectFolder.Copy(Path.Combine(packages, "itty-router"), Path.Combine(folder, "node_modules", "itty-router"));
            ProjectFolder.Write(folder, "index.js", "import { AutoRouter } from 'itty-router'\nconst router = AutoRouter()\nrouter.get('/hello/:name', ({ name }) => `Hello, ${name}!`).get('/json', () => ({ ok: true }))\nexport default router\n");
            ProjectFolder.Write(folder, "wrangler.toml", "name = \"itty\"\nmain = \"index.js\"\ncompatibility_date = \"2026-01-01\"\nroute = \"itty.test/*\"\n");
        });
        await AnswersAsync("itty.test", "/hello/sea", "\"Hello, sea!\"");
        await AnswersAsync("itty.test", "/json", """{"ok":true}""");

        foreach (var (template, name) in new[] { ("hello-world/ts", "hello-ts"), ("hello-world/js", "hello-js"), ("hello-world-with-assets/ts", "with-assets"), ("hello-world-durable-object/js", "objects"), ("queues/js", "queued") })
        {
            await DeployAsync(name, folder =>
            {
                ProjectFolder.Copy(Path.Combine(packages, "create-cloudflare", "templates", template), folder);
                // What the template's own installer fills in.
                var settings = Path.Combine(folder, "wrangler.jsonc");
                File.WriteAllText(settings, File.ReadAllText(settings).Replace("<WORKER_NAME>", name, StringComparison.Ordinal).Replace("<COMPATIBILITY_DATE>", "2026-01-01", StringComparison.Ordinal));
            });
            (await console.Rest.PutAsJsonAsync($"/api/v1/zones/{name}.test", new { routes = new[] { new { pattern = "/*", worker = name } } })).EnsureSuccessStatusCode();
        }
        await AnswersAsync("hello-ts.test", "/", "Hello World!");
        await AnswersAsync("hello-js.test", "/", "Hello World!");
        await AnswersAsync("with-assets.test", "/message", "Hello, World!");
        (await CallAsync("with-assets.test", "/", null)).Text.ShouldContain("<html");
        await AnswersAsync("objects.test", "/", "Hello, world!");
        await AnswersAsync("queued.test", "/", "Sent message to the queue");

        await DeployAsync("bound", folder =>
        {
            ProjectFolder.Write(folder, "public/page.html", "<p>page</p>");
            ProjectFolder.Write(folder, "index.js", """
                export default { async fetch(request, env) {
                  await env.SEEN.put("path", new URL(request.url).pathname);
                  const file = await env.ASSETS.fetch(request), missing = await env.ASSETS.fetch("http://any/none");
                  return new Response(`${file.status} ${file.headers.get("content-type")} ${await file.text()} ${missing.status} ${await env.SEEN.get("path")}`);
                } };
                """);
            ProjectFolder.Write(folder, "wrangler.jsonc", """
                { "name": "bound", "main": "index.js", "compatibility_date": "2026-01-01", "assets": { "directory": "./public", "binding": "ASSETS", "run_worker_first": true },
                  "kv_namespaces": [{ "binding": "SEEN", "id": "seen" }], "routes": ["bound.test/*"] }
                """);
        });
        (await CallAsync("bound.test", "/page", null)).Text.ShouldMatch("^200 text/html.* <p>page</p> 404 /page$");

        async Task DeployAsync(string name, Action<string> make) => (await ProjectFolder.DeployAsync(console, make)).GetProperty("name").GetString().ShouldBe(name);

        async Task AnswersAsync(string host, string path, string expected, HttpContent? body = null)
        {
            var (status, text) = await CallAsync(host, path, body);
            (status, text).ShouldBe((HttpStatusCode.OK, expected), $"{host}{path}");
        }

        async Task<(HttpStatusCode Status, string Text)> CallAsync(string host, string path, HttpContent? body)
        {
            using var client = new HttpClient();
            using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, new Uri(new Uri(front.Addresses[0]), path)) { Content = body, Headers = { Host = host } };
            using var answer = await client.SendAsync(request);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
    }
}
