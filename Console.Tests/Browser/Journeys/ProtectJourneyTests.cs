using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using Quarterdeck.Tests.Browser.Pages;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Vms;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>A person protects three VMs with one job and sees the overview turn good; retention then does what it says.</summary>
[Collection("browser")]
public sealed class ProtectJourneyTests(BrowserRun browser)
{
    [Fact]
    public async Task Three_vms_are_protected_by_one_job_and_the_overview_turns_good()
    {
        var prefix = "qdprotect" + Guid.NewGuid().ToString("N")[..6];
        string[] names = [prefix + "-a", prefix + "-b", prefix + "-c"];
        await using var console = await TestConsole.StartAsync();
        try
        {
            var host = await console.AddHostAsync("here", "qemu:///system");
            foreach (var name in names)
            {
                var made = await console.EndAsync(await console.Rest.PostAsJsonAsync("/api/v1/vms", new { name, hostId = host, vcpus = 1, memoryMiB = 64, disks = new[] { new { sizeGiB = 1 } }, network = "user" }));
                var id = made.GetProperty("result").GetProperty("vmId").GetGuid();
                (await console.Rest.PatchAsJsonAsync($"/api/v1/vms/{id}", new { tags = new[] { prefix } })).EnsureSuccessStatusCode();
            }
            await console.UntilAsync("/api/v1/repositories", r => r.GetProperty("total").GetInt32() > 0); // the first one makes itself
            await browser.RunAsync("protect", page => ProtectAsync(page, prefix, names), console: console);
            await KeepTheLastAsync(console, prefix);
            await LookAsync(console, prefix);
        }
        finally
        {
            foreach (var name in names) LocalLibvirt.Remove(name);
        }
    }

    private static async Task ProtectAsync(ConsolePage page, string prefix, string[] names)
    {
        await page.OpenAsync($"/protection?search={prefix}");
        await page.SettledAsync();
        foreach (var name in names) await Expect(Row(page, name)).ToContainTextAsync("unprotected");

        await page.Page.GetByRole(AriaRole.Link, new() { Name = "New backup job" }).ClickAsync();
        var dialog = page.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Create job" }).ClickAsync();
        await Expect(dialog.Locator("#f-name-e")).ToBeVisibleAsync();
        await dialog.GetByLabel("Name", new() { Exact = true }).FillAsync(prefix);
        await dialog.GetByLabel("Which VMs").SelectOptionAsync("tags");
        await dialog.GetByLabel("Tags").FillAsync(prefix);
        await dialog.GetByLabel("Time zone").FillAsync("Europe/Berlin");
        await page.Page.ScreenshotAsync(new() { Path = Path.Combine(BrowserRun.Results, "screenshots", "backup-job-dialog.png"), FullPage = true });
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Create job" }).ClickAsync();
        await Expect(Row(page, prefix)).ToContainTextAsync("every day at 02:30");
        await Expect(Row(page, prefix)).ToContainTextAsync("7 daily, 4 weekly, 6 monthly");

        await page.Page.GetByRole(AriaRole.Button, new() { Name = $"Run {prefix} now" }).ClickAsync();
        await Expect(Row(page, prefix)).ToContainTextAsync("succeeded", new() { Timeout = 120_000 });
        await page.Page.ScreenshotAsync(new() { Path = Path.Combine(BrowserRun.Results, "screenshots", "backup-jobs-filled.png"), FullPage = true });

        await page.OpenAsync($"/protection?search={prefix}");
        await page.SettledAsync();
        foreach (var name in names) await Expect(Row(page, name).Locator(".qd-tag")).ToHaveTextAsync("✓protected");
        await page.Page.ScreenshotAsync(new() { Path = Path.Combine(BrowserRun.Results, "screenshots", "protection-filled.png"), FullPage = true });
    }

    /// <summary>Lists with something in them, in every window and theme; the pages of one point, VM and repository are <see cref="RestoreJourneyTests"/>'s.</summary>
    private async Task LookAsync(TestConsole console, string prefix)
    {
        var point = (await console.Rest.GetFromJsonAsync<JsonElement>($"/api/v1/recovery-points?search={prefix}")).GetProperty("items")[0];
        var id = point.GetProperty("id").GetGuid();
        (string Name, string Path)[] pages =
        [
            ("points", $"/recovery-points?search={prefix}"), ("restore", $"/restore?point={id}"), ("jobs", "/backup-jobs"),
        ];
        var complaints = new List<string>();
        foreach (var look in Look.All)
            await browser.RunAsync($"protect-{look}", async page =>
            {
                var folder = Directory.CreateDirectory(Path.Combine(BrowserRun.Results, "screenshots", look.ToString())).FullName;
                foreach (var (name, path) in pages)
                {
                    await page.OpenAsync(path);
                    await page.SettledAsync();
                    await page.Page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png"), FullPage = true });
                    await LookTests.CheckAsync(page, name, look, complaints);
                }
            }, look, console: console, trace: false);
        complaints.ShouldBeEmpty();
    }

    private static ILocator Row(ConsolePage page, string name) => page.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = name });

    /// <summary>With one to keep, two more runs leave one point of each VM; a pinned one stays as well.</summary>
    private static async Task KeepTheLastAsync(TestConsole console, string prefix)
    {
        var job = (await console.Rest.GetFromJsonAsync<JsonElement>($"/api/v1/backup-jobs?search={prefix}")).GetProperty("items")[0];
        var id = job.GetProperty("id").GetGuid();
        (await console.Rest.PutAsJsonAsync($"/api/v1/backup-jobs/{id}", new { name = prefix, repositoryId = job.GetProperty("repositoryId").GetGuid(), targets = new { tags = new[] { prefix } }, retention = new { last = 1 }, verify = true })).EnsureSuccessStatusCode();
        var first = (await console.Rest.GetFromJsonAsync<JsonElement>($"/api/v1/recovery-points?search={prefix}")).GetProperty("items")[0];
        (await console.Rest.PostAsync($"/api/v1/recovery-points/{first.GetProperty("id").GetGuid()}/actions/pin", null)).EnsureSuccessStatusCode();

        var preview = await console.Rest.PostAsJsonAsync($"/api/v1/backup-jobs/{id}/retention-preview", new { last = 1 });
        (await preview.Content.ReadFromJsonAsync<JsonElement>()).EnumerateArray().ShouldAllBe(p => p.GetProperty("reasons").GetArrayLength() > 0);
        for (var run = 0; run < 2; run++)
        {
            var ended = await console.EndAsync(await console.Rest.PostAsync($"/api/v1/backup-jobs/{id}/actions/run", null));
            ended.GetProperty("result").GetProperty("succeeded").GetInt32().ShouldBe(3);
        }

        var points = await console.Rest.GetFromJsonAsync<JsonElement>($"/api/v1/recovery-points?search={prefix}");
        points.GetProperty("total").GetInt32().ShouldBe(4);
        points.GetProperty("items").EnumerateArray().Count(p => p.GetProperty("kind").GetString() == "incremental").ShouldBe(3, "disks that the console makes track their changes");
        points.GetProperty("items").EnumerateArray().Count(p => p.GetProperty("verifiedAt").ValueKind is JsonValueKind.String).ShouldBe(3);
    }
}
