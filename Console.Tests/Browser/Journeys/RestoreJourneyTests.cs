using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Quarterdeck.Backups;
using Quarterdeck.Tests.Browser.Pages;
using Quarterdeck.Tests.Integration.Restores;
using Quarterdeck.Tests.Support;
using Quarterdeck.Verification;
using Quarterdeck.Verification.Store;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>Something was deleted yesterday: a person finds the recovery point, reads the plan, restores, and takes the restore back; then the pages around it with something to say.</summary>
[Collection("browser")]
public sealed class RestoreJourneyTests(BrowserRun browser)
{
    [Fact]
    public Task A_VM_is_restored_by_its_plan_and_the_restore_is_taken_back() => RunAsync("journey", [Look.Phone with { Dark = true }, Look.Desktop]);

    [Fact, Trait("Category", "Long")] // the other two looks of the same pages
    public Task The_pages_around_a_restore_look_well_in_every_window_and_theme() => RunAsync("looks", Look.All);

    private async Task RunAsync(string name, IReadOnlyList<Look> looks)
    {
        var libvirt = new SystemLibvirt();
        await libvirt.InitializeAsync();
        try
        {
            await using var lab = await RestoreLab.StartAsync(libvirt, name);
            await lab.MakeVmAsync(("vda", "qcow2", 8));
            var point = (await lab.BackUpAsync()).Id;
            var then = lab.Contents();
            await lab.WriteAsync("vda", 1 << 20, 200_000, 31);
            var changed = lab.Contents();
            await browser.RunAsync("restore", async page =>
            {
                await page.OpenAsync($"/vms/{lab.VmId}?tab=protection");
                await page.Page.GetByRole(AriaRole.Link, new() { NameRegex = new("^Restore the point of") }).ClickAsync();
                await RestoreAsync(page, lab);
                await lab.ShouldHoldAsync(then);

                await page.Page.GetByRole(AriaRole.Link, new() { Name = "Undo this restore" }).ClickAsync();
                await RestoreAsync(page, lab);
                await lab.ShouldHoldAsync(changed);
            }, console: lab.Console);
            await LookAsync(lab, point, looks);
        }
        finally { await libvirt.DisposeAsync(); }
    }

    /// <summary>From the plan to the operation's good end.</summary>
    private static async Task RestoreAsync(ConsolePage page, RestoreLab lab)
    {
        var plan = page.Page.GetByRole(AriaRole.Region, new() { Name = "Plan" });
        await Expect(plan).ToContainTextAsync("Changes are tracked.");
        await Expect(plan).ToContainTextAsync("is off already");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = $"Restore {lab.Name}", Exact = true }).ClickAsync();
        var question = page.Page.GetByRole(AriaRole.Dialog);
        await Expect(question).ToContainTextAsync("with which this can be undone");
        await question.GetByRole(AriaRole.Button, new() { Name = $"Restore {lab.Name}" }).ClickAsync();
        await Expect(page.Heading).ToContainTextAsync(lab.Name);
        await Expect(page.Page.GetByRole(AriaRole.Link, new() { Name = "Undo this restore" })).ToBeVisibleAsync(new() { Timeout = 60_000 });
    }

    private async Task LookAsync(RestoreLab lab, Guid point, IReadOnlyList<Look> looks)
    {
        var (sound, soundRepository) = ((await lab.BackUpAsync()).Id, lab.RepositoryId);
        var (status, answer) = await lab.Rest.SentAsync(HttpMethod.Put, $"/repositories/{soundRepository}/schedules", new { verify = new { cron = "0 3 * * 0", timeZone = "Europe/Berlin" }, collect = new { cron = "30 4 * * *", timeZone = "Europe/Berlin" } });
        status.ShouldBe(HttpStatusCode.OK, answer.ToString());
        await lab.UseRepositoryAsync(new { name = "Archive of the northern branch office, second floor", kind = "local", location = lab.RepositoryFolder + "-damaged" });
        var damaged = (await lab.BackUpAsync()).Id;
        foreach (var pack in Directory.EnumerateFiles(lab.RepositoryFolder, "*", SearchOption.AllDirectories).Where(f => new FileInfo(f).Length > 1 << 20)) Flip(pack);
        await lab.Rest.EndedAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/repositories/{lab.RepositoryId}/actions/verify"));

        (string Name, string Path)[] pages =
        [
            ("restore-new", $"/restore?point={point}&mode=new"), ("restore-instant", $"/restore?point={point}&mode=instant"), ("restore-damaged", $"/restore?point={damaged}"), ("vm-proved", $"/vms/{lab.VmId}?tab=protection"),
            ("point-proved", $"/recovery-points/{sound}"), ("repository-damaged", $"/repositories/{lab.RepositoryId}"), ("repository-upkeep-set", $"/repositories/{soundRepository}?tab=upkeep"), ("protection-proved", $"/protection?search={lab.Name}"),
        ];
        var complaints = new List<string>();
        foreach (var look in looks)
            await browser.RunAsync($"restore-{look}", async page =>
            {
                var folder = Directory.CreateDirectory(Path.Combine(BrowserRun.Results, "screenshots", look.ToString())).FullName;
                foreach (var (name, path) in pages)
                {
                    await page.OpenAsync(path);
                    await page.SettledAsync();
                    if (name == "restore-new") await ProveAsync(lab, point, sound, await page.Page.ScreenshotAsync());
                    await page.Page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png"), FullPage = true });
                    await LookTests.CheckAsync(page, name, look, complaints);
                }
            }, look, console: lab.Console, trace: false);
        complaints.ShouldBeEmpty();
    }

    /// <summary>Writes proofs as two boots would: one that held, and a later one that did not.</summary>
    private static async Task ProveAsync(RestoreLab lab, Guid held, Guid failed, byte[] picture)
    {
        var store = lab.Services.GetRequiredService<ProofStore>();
        var checks = new ProofChecks { Ports = [new PortCheck(443), new PortCheck(5432)], Files = [new FileCheck("vda1", "/srv/invoices/2026/customers-of-the-northern-branch.db", new string('a', 64))] };
        var now = DateTimeOffset.UtcNow;
        var good = new Proof
        {
            Id = Guid.CreateVersion7(), RecoveryPointId = held, VmId = Guid.Parse(lab.VmId), VmName = lab.Name, StartedAt = now.AddDays(-1), EndedAt = now.AddDays(-1), Passed = true, Evidence = ProofEvidence.Agent, BootSeconds = 21.4, Checks = checks,
            Outcomes = [new("The guest came up", true, "Its agent answered after 21.4 s."), new("Port 443 answers", true, "HTTP/1.1 200 OK"), new("Port 5432 answers", true, "E")], HasScreenshot = true,
        };
        await store.SaveAsync(good, picture, default);
        await store.SaveAsync(good with
        {
            Id = Guid.CreateVersion7(), RecoveryPointId = failed, StartedAt = now, EndedAt = now, Passed = false, Evidence = ProofEvidence.Port, BootSeconds = 34,
            Outcomes =
            [
                new("The guest came up", true, "A port answered after 34 s."), new("Port 443 answers", true, "HTTP/1.1 200 OK"), new("Port 5432 answers", false, "It sent nothing within 300 s."),
                new("File /srv/invoices/2026/customers-of-the-northern-branch.db on vda1", false, $"It has the SHA-256 {new string('b', 64)}, not {new string('a', 64)}."),
            ],
        }, picture, default);
    }

    private static void Flip(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = stream.Length / 2;
        var old = stream.ReadByte();
        stream.Position = stream.Length / 2;
        stream.WriteByte((byte)(old ^ 0x40));
    }
}
