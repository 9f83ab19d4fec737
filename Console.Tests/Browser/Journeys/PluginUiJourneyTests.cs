using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.AspNetCore.Http;
using Microsoft.Playwright;
using Quarterdeck.Events;
using Quarterdeck.Plugins;
using Quarterdeck.Plugins.Registry;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Plugins.Ui;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>A person uses a plug-in's own pages inside the console: full page, tab, card, menu, bridge.</summary>
[Collection("browser")]
public sealed class PluginUiJourneyTests(BrowserRun browser)
{
    private const string Name = "Harbour <b>light</b> & friends";

    private static readonly PluginContributions Contributes = new(
        [new("Lamp <i>list</i>", "/lamps?all=1", "search")], [new("vm", "Lamps of it", "/of?vm={id}")], [new("Lamp card", "/card", 160)]);

    private const string Page = """
        <!doctype html><html lang="en"><meta charset="utf-8"><title>Lamps</title>
        <style>body { font: 15px system-ui; margin: 1rem; background: Canvas; color: CanvasText }</style>
        <h1 id="where"></h1><p id="theme"></p><p id="context"></p><p id="socket"></p><p id="events"></p><p id="answer"></p>
        <p><a id="next" href="lamps/3">Lamp 3</a> <button id="go">Navigate</button> <button id="say">Notify</button> <button id="op">Operation</button> <button id="post">Post</button></p>
        <script src="quarterdeck-bridge.js"></script>
        <script>
          const set = (id, text) => document.getElementById(id).textContent = text;
          set('where', location.pathname.slice(quarterdeck.base.length - 1) + location.search);
          quarterdeck.ready.then(s => { set('theme', s.theme); set('context', s.context ? `${s.context.object} ${s.context.id}` : 'none'); });
          quarterdeck.onTheme(t => set('theme', t));
          document.getElementById('go').onclick = () => quarterdeck.navigate('/lamps/7');
          document.getElementById('say').onclick = () => quarterdeck.notify('success', '<b>Lamp</b> lit');
          document.getElementById('op').onclick = () => quarterdeck.openOperation('01890000-0000-7000-8000-000000000000');
          document.getElementById('post').onclick = async () => set('answer', await (await fetch('api/x', { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: '{}' })).text());
          const socket = new WebSocket(new URL(quarterdeck.base + 'socket', location.href.replace('http', 'ws')));
          socket.onopen = () => socket.send('ahoy'); socket.onmessage = e => set('socket', e.data);
          new EventSource(quarterdeck.base + 'events').onmessage = e => set('events', e.data);
        </script></html>
        """;

    private static async Task GuestAsync(HttpContext http)
    {
        if (http.Request.Path == "/socket")
        {
            using var socket = await http.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[100];
            var got = await socket.ReceiveAsync(buffer, http.RequestAborted);
            await socket.SendAsync(buffer.AsMemory(0, got.Count), got.MessageType, true, http.RequestAborted);
            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        }
        else if (http.Request.Path == "/events")
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("data: tick\n\n");
            await http.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        }
        else if (http.Request.Path.StartsWithSegments("/api")) await http.Response.WriteAsync($"{http.Request.Method} {http.Request.ContentType}");
        else
        {
            http.Response.ContentType = "text/html";
            // A page below a folder names the script by its own way up.
            await http.Response.WriteAsync(http.Request.Path.Value!.Count('/' ) > 1 ? Page.Replace("src=\"quarterdeck-bridge.js\"", "src=\"../quarterdeck-bridge.js\"", StringComparison.Ordinal) : Page);
        }
    }

    [Fact]
    public async Task A_plug_ins_pages_live_inside_the_console_and_go_with_it()
    {
        await using var stage = await PluginUiStage.StartAsync(GuestAsync, contributes: Contributes, name: Name);
        await browser.RunAsync("plugin-ui", page => WalkAsync(page, stage), console: stage.Console,
            expected: m => m.Contains("404", StringComparison.Ordinal) || m.Contains("ERR_CONNECTION_RESET", StringComparison.Ordinal)); // its streams are cut when it is disabled
    }

    public static TheoryData<string> Looks => [Look.Desktop.ToString(), (Look.Phone with { Dark = true }).ToString()];

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task Its_pages_fit_every_window_and_theme(string look)
    {
        var size = Look.All.Single(l => l.ToString() == look);
        var folder = Directory.CreateDirectory(Path.Combine(BrowserRun.Results, "screenshots", look)).FullName;
        await using var stage = await PluginUiStage.StartAsync(GuestAsync, contributes: Contributes, name: "Harbour light with a very long name that nobody would give it");
        await browser.RunAsync("plugin-ui-" + look, async page =>
        {
            foreach (var (name, path, frame) in new[] { ("plugin-ui", $"/plugins/{stage.Plugin}/ui/lamps", "#events"), ("plugin-ui-tab", $"/vms/{stage.Vm}?tab=plugin-{stage.Plugin:N}-0", "#events"), ("plugin-ui-card", "/", "#events"), ("plugin-ui-failed", "", "main"), ("plugin-ui-disabled", "", "") })
            {
                if (name == "plugin-ui-failed") await stage.Hypervisor.DestroyAsync(stage.Vm, default);
                if (name == "plugin-ui-disabled") await stage.MoveAsync(PluginState.Disabled);
                await page.OpenAsync(path.Length > 0 ? path : $"/plugins/{stage.Plugin}/ui/lamps");
                if (name == "plugin-ui-failed") await Expect(page.Page.FrameLocator("iframe").Locator("main")).ToContainTextAsync("VM is off");
                else if (frame.Length > 0) await Expect(page.Page.FrameLocator("iframe").Locator(frame)).ToHaveTextAsync("tick");
                else await Expect(page.Page.Locator("main")).ToContainTextAsync("is disabled");
                await page.SettledAsync();
                await page.Page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png") });
                (await page.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth")).ShouldBeLessThanOrEqualTo(0, name);
                if (size == Look.Phone) continue;
                var found = await page.Page.RunAxe(new AxeRunOptions { RunOnly = new RunOnlyOptions { Type = "tag", Values = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }, Iframes = false });
                found.Violations.Where(v => v.Impact is "serious" or "critical").Select(v => $"{v.Id}: {v.Nodes[0].Html}").ShouldBeEmpty(name);
            }
        }, size, console: stage.Console, expected: m => m.Contains("503", StringComparison.Ordinal) || m.Contains("RESET", StringComparison.Ordinal), trace: false);
    }

    private static async Task WalkAsync(ConsolePage page, PluginUiStage stage)
    {
        await page.OpenAsync("/");
        // a card on the overview, an entry in the menu: names are text
        var card = page.Page.FrameLocator(".qd-plugin-card iframe");
        await Expect(page.Page.Locator(".qd-plugin-card h2")).ToHaveTextAsync("Lamp card");
        await Expect(card.Locator("#where")).ToHaveTextAsync("/card");
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Lamp <i>list</i>" }).ClickAsync();
        await Expect(page.Heading).ToHaveTextAsync(Name);

        // the page works as its author wrote it: address, scripts, events, socket, requests
        var frame = page.Page.FrameLocator(".qd-plugin-page iframe");
        await Expect(frame.Locator("#where")).ToHaveTextAsync("/lamps?all=1");
        await Expect(frame.Locator("#socket")).ToHaveTextAsync("ahoy");
        await Expect(frame.Locator("#events")).ToHaveTextAsync("tick");
        await frame.Locator("#post").ClickAsync();
        await Expect(frame.Locator("#answer")).ToHaveTextAsync("PUT application/json");
        await Expect(page.Page).ToHaveTitleAsync("Lamps · " + Name + " · Quarterdeck");

        // the theme is handed over and changes with the console's
        await Expect(frame.Locator("#theme")).ToHaveTextAsync("light");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Switch between light and dark" }).ClickAsync();
        await Expect(frame.Locator("#theme")).ToHaveTextAsync("dark");

        // the address follows, survives a reload, and leads back
        await frame.Locator("#next").ClickAsync();
        await Expect(frame.Locator("#where")).ToHaveTextAsync("/lamps/3");
        await Expect(page.Page).ToHaveURLAsync(new Regex($"/plugins/{stage.Plugin}/ui/lamps/3$"));
        await page.Page.ReloadAsync();
        await Expect(frame.Locator("#where")).ToHaveTextAsync("/lamps/3");
        await frame.Locator("#go").ClickAsync();
        await Expect(frame.Locator("#where")).ToHaveTextAsync("/lamps/7");
        await Expect(page.Page).ToHaveURLAsync(new Regex("/ui/lamps/7$"));
        await page.Page.GoBackAsync();
        await Expect(frame.Locator("#where")).ToHaveTextAsync("/lamps/3");
        await page.InteractiveAsync();
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Lamp <i>list</i>" }).ClickAsync();
        await Expect(frame.Locator("#where")).ToHaveTextAsync("/lamps?all=1");

        // what it says is text
        await frame.Locator("#say").ClickAsync();
        await Expect(page.Page.Locator(".qd-plugin-frame .qd-notice.ok")).ToContainTextAsync(Name + ": <b>Lamp</b> lit");

        // a tab on a VM knows its object, and leads to the full page
        await page.OpenAsync($"/vms/{stage.Vm}");
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Lamps of it" }).ClickAsync();
        var tab = page.Page.FrameLocator(".qd-plugin-tab iframe");
        await Expect(tab.Locator("#context")).ToHaveTextAsync($"vm {stage.Vm}");
        await Expect(tab.Locator("#where")).ToHaveTextAsync($"/of?vm={stage.Vm}");
        await tab.Locator("#go").ClickAsync();
        await Expect(page.Page).ToHaveURLAsync(new Regex($"/plugins/{stage.Plugin}/ui/lamps/7$"));
        await frame.Locator("#op").ClickAsync();
        await Expect(page.Page).ToHaveURLAsync(new Regex("/operations/01890000-"));

        // a ticket that ended is renewed where it may be
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Lamp <i>list</i>" }).ClickAsync();
        await Expect(frame.Locator("#events")).ToHaveTextAsync("tick");
        await stage.Service<VisitStore>().RevokeAsync(stage.Plugin, default);
        stage.Service<EventStream<Plugin>>().Changed(stage.Plugin.ToString("D"));
        await PluginUiStage.UntilAsync(async () => !(await page.Page.APIRequest.GetAsync(page.Page.Frames[1].Url)).Ok);
        await frame.Locator("#next").ClickAsync();
        await Expect(frame.Locator("#where")).ToHaveTextAsync("/lamps?all=1");

        // disabled, it vanishes everywhere without a reload
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Lamp <i>list</i>" }).ClickAsync();
        await Expect(frame.Locator("#socket")).ToHaveTextAsync("ahoy");
        await stage.MoveAsync(PluginState.Disabled);
        await Expect(page.Page.Locator("main")).ToContainTextAsync("is disabled");
        await Expect(page.Page.Locator("iframe")).ToHaveCountAsync(0);
        await Expect(page.Page.GetByRole(AriaRole.Link, new() { Name = "Lamp <i>list</i>" })).ToHaveCountAsync(0);
        await stage.MoveAsync(PluginState.Ready);
        await Expect(page.Page.GetByRole(AriaRole.Link, new() { Name = "Lamp <i>list</i>" })).ToBeVisibleAsync();
        await Expect(frame.Locator("#socket")).ToHaveTextAsync("ahoy");
    }
}
