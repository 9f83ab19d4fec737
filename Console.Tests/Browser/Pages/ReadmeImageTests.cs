using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Quarterdeck.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Pages;

/// <summary>Makes <c>docs/images/overview.png</c> from a console with three hosts of libvirt's mock driver: <c>README_IMAGES=1 dotnet test --filter ReadmeImage</c>.</summary>
[Collection("browser")]
public sealed class ReadmeImageTests(BrowserRun browser)
{
    private static readonly string[] Names = ["web", "db", "mail", "erp", "ci", "git", "dns", "crm"];

    [Trait("Category", "OnDemand")]
    [OnDemandFact("README_IMAGES")]
    public async Task The_picture_of_the_README_is_made()
    {
        await using var console = await TestConsole.StartAsync();
        foreach (var (host, vms) in new[] { ("kvm-a", 24), ("kvm-b", 17), ("kvm-c", 9) }) await AddHostAsync(console, host, vms);
        await console.Rest.PostAsJsonAsync("/api/v1/hosts", new { name = "kvm-d", uri = "qemu+tls://kvm-d.invalid/system" });
        await WaitAsync(console, "/api/v1/vms?pageSize=1", list => list.GetProperty("total").GetInt32() == 50);
        var all = (await console.Rest.GetFromJsonAsync<JsonElement>("/api/v1/vms?pageSize=50")).GetProperty("items").EnumerateArray().Select(v => v.GetProperty("id").GetString()).ToArray();
        foreach (var id in all.Where((_, i) => i % 9 == 4)) await console.Rest.PostAsync($"/api/v1/vms/{id}/actions/stop", null);
        await WaitAsync(console, "/api/v1/operations?state=running", list => list.GetProperty("total").GetInt32() == 0);
        var stall = new TaskCompletionSource();
        var hosts = await console.Rest.GetFromJsonAsync<JsonElement>("/api/v1/hosts?search=kvm-a");
        var upload = UploadAsync(console, hosts.GetProperty("items")[0].GetProperty("id").GetString()!, stall.Task);
        await WaitAsync(console, "/api/v1/hosts?search=kvm-d", list => !list.GetProperty("items")[0].GetProperty("problem").GetString()!.Contains("connecting"));
        try
        {
            await browser.RunAsync("readme", async page =>
            {
                await page.OpenAsync("/");
                await page.SettledAsync();
                await Expect(page.Page.Locator("main")).ToContainTextAsync("kvm-d");
                await Task.Delay(7000); // ages are no longer all "just now"
                var folder = Directory.CreateDirectory(Path.Combine(TestConsole.RepositoryRoot, "docs", "images")).FullName;
                await page.Page.ScreenshotAsync(new() { Path = Path.Combine(folder, "overview.png") });
            }, new Look(1280, 800, false), console: console);
        }
        finally
        {
            stall.SetResult();
            await upload;
        }
    }

    private static async Task AddHostAsync(TestConsole console, string name, int vms)
    {
        var folder = Directory.CreateDirectory(Path.Combine(console.Data, "images")).FullName;
        var file = Path.Combine(folder, name + ".xml");
        var node = new StringBuilder("<node><cpu><mhz>2600</mhz><model>x86_64</model><active>32</active><nodes>1</nodes><sockets>2</sockets><cores>16</cores><threads>1</threads></cpu><memory>268435456</memory>");
        for (var i = 0; i < vms; i++)
            node.Append($"<domain type='test'><name>{Names[i % Names.Length]}-{name[^1]}{i / Names.Length + 1:00}</name><uuid>{Guid.NewGuid()}</uuid><memory>{(i % 4 + 1) << 21}</memory><vcpu>{i % 4 + 1}</vcpu><os><type>hvm</type></os></domain>");
        await File.WriteAllTextAsync(file, node.Append("<pool type='dir'><name>default</name><target><path>/default</path></target></pool></node>").ToString());
        var answer = await console.Rest.PostAsJsonAsync("/api/v1/hosts", new { name, uri = "test://" + file });
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>An upload that stops half-way until told to go on: an operation under way.</summary>
    private static async Task UploadAsync(TestConsole console, string host, Task goOn)
    {
        using var form = new MultipartFormDataContent();
        form.Add(JsonContent.Create(new { name = "netscan", hostId = host, allowUnsigned = true, acceptEula = true, networks = new Dictionary<string, string> { ["Management"] = "user" } }), "spec");
        form.Add(new StalledContent(new OvaBuilder { Manifest = OvaBuilder.Plugin }.Build(), goOn), "file", "netscan.ova");
        try { await console.Rest.PostAsync("/api/v1/appliances", form); }
        catch (HttpRequestException) { /* refused before all was sent: the picture then shows a failed operation */ }
    }

    private static async Task WaitAsync(TestConsole console, string path, Func<JsonElement, bool> holds)
    {
        for (var i = 0; i < 300; i++)
        {
            if (holds(await console.Rest.GetFromJsonAsync<JsonElement>(path))) return;
            await Task.Delay(100);
        }
        throw new TimeoutException(path);
    }

    private sealed class StalledContent(byte[] content, Task goOn) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(content.AsMemory(0, content.Length * 2 / 3));
            await stream.FlushAsync();
            await goOn;
            await stream.WriteAsync(content.AsMemory(content.Length * 2 / 3));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = content.Length;
            return true;
        }
    }
}
