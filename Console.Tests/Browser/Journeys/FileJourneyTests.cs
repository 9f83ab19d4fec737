using Microsoft.Playwright;
using Quarterdeck.Tests.Browser.Pages;
using Quarterdeck.Tests.Integration.Restores;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>A file was deleted; it is fetched from a recovery point without restoring the VM.</summary>
[Collection("browser")]
public sealed class FileJourneyTests(BrowserRun browser)
{
    [Fact]
    public async Task A_file_is_found_in_a_recovery_point_and_downloaded()
    {
        await using var lab = await FileLab.StartAsync();
        var point = await lab.PointAsync(("vda", lab.Images.Partitioned("disk", await lab.Images.Ext4Async("root"), lab.Images.Empty("swap", 2))));
        await browser.RunAsync("files", async page =>
        {
            await page.OpenAsync($"/recovery-points/{point}");
            await page.Page.GetByRole(AriaRole.Link, new() { Name = "Browse files" }).ClickAsync();
            var entries = page.Page.GetByRole(AriaRole.Region, new() { Name = "Entries" });
            await Assertions.Expect(entries.GetByRole(AriaRole.Link, new() { Name = "etc", Exact = true })).ToBeVisibleAsync(new() { Timeout = 120_000 });
            await entries.GetByRole(AriaRole.Link, new() { Name = "etc", Exact = true }).ClickAsync();
            await Assertions.Expect(entries.GetByText("→ /etc/passwd")).ToBeVisibleAsync();
            var download = await page.Page.RunAndWaitForDownloadAsync(() => page.Page.GetByRole(AriaRole.Link, new() { Name = "Download fstab" }).ClickAsync());
            download.SuggestedFilename.ShouldBe("fstab");
            (await File.ReadAllTextAsync(await download.PathAsync())).ShouldBe("proc /proc\n");
            await LookAsync(page, "files-folder", Look.Desktop);

            await page.OpenAsync($"/recovery-points/{point}/files?search=needle&below=true");
            await Assertions.Expect(entries.GetByText("/etc/deep/deeper/needle.conf")).ToBeVisibleAsync();
            await page.OpenAsync($"/recovery-points/{point}/files?path=%2Fodd");
            await Assertions.Expect(entries.GetByText(@"new\x0Aline")).ToBeVisibleAsync();
            await Assertions.Expect(entries.GetByText("<b>bold")).ToBeVisibleAsync();
        }, console: lab.Console);
        foreach (var look in Look.All)
            await browser.RunAsync("files-look-" + look, async page =>
            {
                await page.OpenAsync($"/recovery-points/{point}/files?path=%2Fodd");
                await Assertions.Expect(page.Page.GetByRole(AriaRole.Region, new() { Name = "Entries" }).GetByText(@"new\x0Aline")).ToBeVisibleAsync();
                await LookAsync(page, "files", look);
            }, look, console: lab.Console, trace: false);
    }

    private static async Task LookAsync(ConsolePage page, string name, Look look)
    {
        var complaints = new List<string>();
        var folder = Directory.CreateDirectory(Path.Combine(BrowserRun.Results, "screenshots", look.ToString())).FullName;
        await page.Page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png"), FullPage = true });
        await LookTests.CheckAsync(page, name, look, complaints);
        complaints.ShouldBeEmpty();
    }
}
