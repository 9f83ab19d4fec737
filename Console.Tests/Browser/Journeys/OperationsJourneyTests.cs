using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Quarterdeck.Access;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Operations;
using Quarterdeck.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

/// <summary>A person follows operations: the list, one of them, cancel, retry.</summary>
[Collection("browser")]
public sealed class OperationsJourneyTests(BrowserRun browser)
{
    private readonly Gates _gates = new();

    [Fact]
    public async Task A_failed_operation_tells_why_and_is_retried_and_a_running_one_is_followed_and_cancelled()
    {
        await using var console = await StartAsync();
        var queue = console.App.Services.GetRequiredService<OperationQueue>();
        await EnqueueAsync(queue, "demo.fail", "erp-db");
        await browser.RunAsync("operations", async page =>
        {
            await page.OpenAsync("/operations");
            await Expect(page.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "erp-db" })).ToContainTextAsync("failed");

            // What begins elsewhere appears by itself.
            var copy = await EnqueueAsync(queue, "demo.copy", "web-07");
            var row = page.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "web-07" });
            await Expect(row).ToContainTextAsync("1 of 4 GiB");

            await page.Page.GetByLabel("State").SelectOptionAsync("failed");
            await Expect(page.Page).ToHaveURLAsync(new Regex("state=failed"));
            await Expect(row).ToHaveCountAsync(0);
            await page.Page.GetByRole(AriaRole.Link, new() { Name = "Import image" }).First.ClickAsync();
            await Expect(page.Heading).ToHaveTextAsync("Import image: erp-db");
            await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Free some space, then retry.");
            _gates.Open("fail again");
            await page.Page.GetByRole(AriaRole.Button, new() { Name = "Retry" }).ClickAsync();
            await Expect(page.Page.Locator(".qd-title")).ToContainTextAsync("succeeded");

            await page.OpenAsync($"/operations/{copy}");
            await Expect(page.Page.Locator(".qd-op-log")).ToContainTextAsync("Block 1 of 4");
            _gates.Open("block 2");
            await Expect(page.Page.Locator(".qd-op-log")).ToContainTextAsync("Block 2 of 4");
            await Expect(page.Page.GetByRole(AriaRole.Progressbar)).ToHaveAttributeAsync("aria-valuetext", "2 of 4 GiB");
            await page.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
            await page.Page.GetByRole(AriaRole.Button, new() { Name = "Cancel the operation" }).ClickAsync();
            await Expect(page.Page.Locator(".qd-title")).ToContainTextAsync("cancelled");
        }, console: console);
    }

    [Fact]
    public async Task The_pages_look_right_in_every_window_and_theme()
    {
        await using var console = await StartAsync();
        var queue = console.App.Services.GetRequiredService<OperationQueue>();
        for (var i = 0; i < 6; i++) await EnqueueAsync(queue, "demo.parts", $"nightly-{i}");
        var failed = await EnqueueAsync(queue, "demo.fail", "erp-db");
        var parts = await EnqueueAsync(queue, "demo.parts", "all-vms");
        var running = await EnqueueAsync(queue, "demo.copy", "web-07");
        await EnqueueAsync(queue, "demo.copy", "web-08-with-a-rather-long-name-that-somebody-gave-it");
        await Task.Delay(1500);
        foreach (var look in Look.All)
            await browser.RunAsync($"operations-{look}", async page =>
            {
                foreach (var (name, path) in new[] { ("list", "/operations"), ("list-empty", "/operations?search=nothing-like-this"), ("running", $"/operations/{running}"), ("failed", $"/operations/{failed}"), ("parts", $"/operations/{parts}") })
                {
                    await page.OpenAsync(path);
                    await page.SettledAsync();
                    await Task.Delay(300);
                    await page.Page.ScreenshotAsync(new() { Path = Path.Combine(BrowserRun.Results, "screenshots", look.ToString(), $"operations-{name}.png"), FullPage = true });
                    (await page.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth")).ShouldBeLessThanOrEqualTo(0, $"{name} {look}");
                }
            }, look, console: console);
    }

    private Task<TestConsole> StartAsync() => TestConsole.StartAsync(adjust: builder =>
    {
        builder.Services.AddSingleton<IOperationHandler>(new TestHandler("demo.copy", CopyAsync) { Kind = Kind("demo.copy", "Incremental restore") });
        builder.Services.AddSingleton<IOperationHandler>(new TestHandler("demo.fail", FailAsync) { Kind = Kind("demo.fail", "Import image") });
        builder.Services.AddSingleton<IOperationHandler>(p => new TestHandler("demo.parts", (operation, cancellation) => PartsAsync(p, operation, cancellation)) { Kind = Kind("demo.parts", "Backup job") });
        builder.Services.AddSingleton<IOperationHandler>(new TestHandler("demo.part", (operation, _) =>
        {
            if (operation.Input<int>() == 2) operation.Warn("The guest agent did not answer; the point is only crash-consistent.");
            return Task.FromResult<object?>(null);
        }) { Kind = Kind("demo.part", "Backup") });
    });

    private static OperationKind Kind(string key, string title) => new(key, title, TestHandler.Permission);

    private async Task<object?> CopyAsync(IOperationContext operation, CancellationToken cancellation)
    {
        await operation.StepAsync("read", "Reading the recovery point", _ => Task.CompletedTask);
        await operation.StepAsync("compare", "Comparing 1.8 GiB with what the disk holds", _ => Task.Delay(700, cancellation));
        await operation.StepAsync("copy", "Writing the blocks that differ", async token =>
        {
            for (var block = 1; block <= 4; block++)
            {
                operation.Progress((long)block << 30, 4L << 30, "bytes");
                operation.Log($"Block {block} of 4 is written.");
                await _gates.EnterAsync($"block {block + 1}", token);
            }
        });
        return null;
    }

    private async Task<object?> FailAsync(IOperationContext operation, CancellationToken cancellation)
    {
        await operation.StepAsync("inspect", "Inspecting the image", _ => Task.CompletedTask);
        await operation.StepAsync("import", "Importing 12 GiB into the pool default", async _ =>
        {
            operation.Log("Reading /srv/images/erp-db.qcow2, 12 GiB.");
            if (_gates.HasEntered("fail once")) { await _gates.EnterAsync("fail again", cancellation); return; }
            operation.Warn("The image is fragmented.");
            _gates.Open("fail once");
            await _gates.EnterAsync("fail once", cancellation);
            throw new ProblemException(Problem.Conflict("The pool is full", "The pool 'default' has 3 GiB left and 12 GiB are needed. Free some space, then retry."));
        });
        return new { volume = "erp-db.qcow2" };
    }

    private static async Task<object?> PartsAsync(IServiceProvider services, IOperationContext operation, CancellationToken cancellation)
    {
        var queue = services.GetRequiredService<OperationQueue>();
        for (var i = 1; i <= 3; i++)
            await queue.EnqueueAsync(operation.RequestedBy, new NewOperation("demo.part", $"thing:{i}", $"vm-{i}", i) { Parent = operation.Id }, cancellation);
        operation.Log("Three VMs are protected by this job.");
        return new { vms = 3, bytes = 123456789L, policy = new { daily = 7 } };
    }

    private static async Task<Guid> EnqueueAsync(OperationQueue queue, string kind, string name) =>
        (await queue.EnqueueAsync(new Caller(CallerKind.User, Guid.NewGuid(), "ann", Role.Operator), new NewOperation(kind, $"thing:{name}", name, new { }), CancellationToken.None)).Value;
}
