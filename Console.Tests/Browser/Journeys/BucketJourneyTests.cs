using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using Quarterdeck.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>Somebody fills a bucket in the page: by the button, by dropping, with what clashes, does not fit, or is stopped.</summary>
[Collection("browser")]
public sealed class BucketJourneyTests(BrowserRun browser)
{
    private const string Bucket = "quay-pictures";
    private static readonly string Pictures = Directory.CreateDirectory(Path.Combine(BrowserRun.Results, "screenshots")).FullName;

    [Fact]
    public async Task Files_are_uploaded_by_button_and_drop_and_what_clashes_or_finds_no_room_is_told_and_left()
    {
        var rest = browser.Console.Rest;
        var repository = (await rest.GetFromJsonAsync<JsonElement>("/api/v1/repositories")).GetProperty("items")[0].GetProperty("id").GetString();
        (await rest.PutAsJsonAsync($"/api/v1/buckets/{Bucket}", new { repositoryId = repository, limitBytes = 4 << 20 })).IsSuccessStatusCode.ShouldBeTrue();
        Task<byte[]> ReadAsync(string key) => rest.GetByteArrayAsync($"/api/v1/buckets/{Bucket}/object?key={Uri.EscapeDataString(key)}");
        await browser.RunAsync("bucket-upload", async page =>
        {
            var tab = page.Page;
            var (input, summary) = (tab.Locator("[data-drop] input[type=file]"), tab.Locator("[data-uploads=over] [role=status]"));
            await page.OpenAsync($"/buckets/{Bucket}");
            await page.SettledAsync();
            await Expect(tab.GetByText("Nothing here yet")).ToBeVisibleAsync();
            var chooser = await tab.RunAndWaitForFileChooserAsync(() => tab.GetByRole(AriaRole.Button, new() { Name = "Upload files" }).ClickAsync());
            await chooser.SetFilesAsync([File("notes.txt", "text/plain", "first"u8.ToArray()), File("quay + harbour #1.png", "image/png", Bytes(2 << 20))]);
            await Expect(summary).ToHaveTextAsync("2 files put.");
            await Expect(tab.Locator(".qd-table tbody tr")).ToHaveCountAsync(2);
            await Expect(tab.Locator(".qd-facts")).ToContainTextAsync("2");
            (await ReadAsync("quay + harbour #1.png")).AsSpan().SequenceEqual(Bytes(2 << 20)).ShouldBeTrue();
            (await rest.GetFromJsonAsync<JsonElement>($"/api/v1/buckets/{Bucket}/objects?prefix=quay")).GetProperty("objects")[0].GetProperty("contentType").GetString().ShouldBe("image/png");

            // One that is there and one without room: asked and told before a byte is sent.
            FilePayload[] both = [File("notes.txt", "text/plain", "second"u8.ToArray()), File("the film of the whole regatta in one take without a cut.mp4", "video/mp4", Bytes(3 << 20))];
            await input.SetInputFilesAsync(both);
            await Expect(tab.GetByRole(AriaRole.Dialog)).ToContainTextAsync("Replace notes.txt?");
            await tab.GetByRole(AriaRole.Button, new() { Name = "Keep it as it is" }).ClickAsync();
            await Expect(summary).ToHaveTextAsync("0 of 2 files put.");
            await Expect(tab.Locator(".qd-uploads li").First).ToContainTextAsync("which was kept as it is");
            await Expect(tab.Locator(".qd-uploads li").Last).ToContainTextAsync("It has 3 MiB, and the bucket has room for 2 MiB. Delete objects, or raise the bucket's limit.");
            (await ReadAsync("notes.txt")).ShouldBe("first"u8.ToArray());
            foreach (var look in Look.All)
            {
                await tab.SetViewportSizeAsync(look.Width, look.Height);
                await tab.EmulateMediaAsync(new() { ColorScheme = look.Dark ? ColorScheme.Dark : ColorScheme.Light });
                await tab.ScreenshotAsync(new() { Path = Path.Combine(Pictures, $"bucket-upload-{look}.png"), FullPage = true });
            }
            var complaints = new List<string>();
            await Pages.LookTests.CheckAsync(page, "bucket-upload", Look.Phone, complaints);
            await tab.SetViewportSizeAsync(Look.Desktop.Width, Look.Desktop.Height);
            await Pages.LookTests.CheckAsync(page, "bucket-upload", Look.Desktop, complaints);
            complaints.ShouldBeEmpty();
            await input.SetInputFilesAsync(both[0]);
            await tab.GetByRole(AriaRole.Button, new() { Name = "Replace notes.txt" }).ClickAsync();
            await Expect(summary).ToHaveTextAsync("1 file put.");
            (await ReadAsync("notes.txt")).ShouldBe("second"u8.ToArray());

            // Dropped onto a folder, it goes there.
            await page.OpenAsync($"/buckets/{Bucket}?prefix=reports/2026/");
            await page.SettledAsync();
            await Expect(tab.GetByRole(AriaRole.Button, new() { Name = "Upload files" })).ToBeEnabledAsync();
            var dropped = await tab.EvaluateHandleAsync("() => { const d = new DataTransfer(); d.items.add(new File(['dropped'], 'may.csv', { type: 'text/csv' })); return d; }");
            foreach (var step in (string[])["dragenter", "dragover"]) await tab.Locator("[data-drop]").DispatchEventAsync(step, new { dataTransfer = dropped });
            await Expect(tab.Locator("[data-drop].over")).ToBeVisibleAsync();
            await tab.Locator("[data-drop]").DispatchEventAsync("drop", new { dataTransfer = dropped });
            await Expect(summary).ToHaveTextAsync("1 file put.");
            await Expect(tab.Locator(".qd-table tbody tr")).ToContainTextAsync("may.csv");
            (await ReadAsync("reports/2026/may.csv")).ShouldBe("dropped"u8.ToArray());

            // On its way it shows how far it is, and can be stopped: then there is nothing of it.
            var held = new TaskCompletionSource();
            await tab.RouteAsync("**/content?*", async route =>
            {
                await held.Task;
                try { await route.AbortAsync(); }
                catch (PlaywrightException) { } // the page has given it up
            });
            await input.SetInputFilesAsync([File("slow.bin", "", Bytes(1 << 20)), File("next.bin", "", Bytes(10))]);
            await Expect(tab.GetByRole(AriaRole.Progressbar, new() { Name = "Upload" })).ToBeVisibleAsync();
            await Expect(tab.Locator(".qd-uploads li")).ToContainTextAsync("sending");
            await Expect(tab.GetByRole(AriaRole.Button, new() { Name = "Upload files" })).ToBeDisabledAsync();
            await tab.GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();
            await Expect(summary).ToHaveTextAsync("0 of 2 files put.");
            await Expect(tab.Locator(".qd-uploads li")).ToContainTextAsync(["stopped", "stopped"]);
            held.SetResult();
            await tab.UnrouteAllAsync(new() { Behavior = UnrouteBehavior.IgnoreErrors });
            (await rest.GetAsync($"/api/v1/buckets/{Bucket}/object?key=reports/2026/slow.bin")).StatusCode.ShouldBe(System.Net.HttpStatusCode.NotFound);

            // With the cookie alone nobody sends anything.
            var forged = await tab.APIRequest.PutAsync($"/buckets/{Bucket}/content?key=forged", new() { DataString = "x" });
            forged.Status.ShouldBe(403);
            (await forged.TextAsync()).ShouldContain("was not ours");
        });
    }

    private static FilePayload File(string name, string type, byte[] content) => new() { Name = name, MimeType = type, Buffer = content };

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }
}
