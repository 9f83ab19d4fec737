using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Quarterdeck.Tests.Support;

/// <summary>One console and one Chromium for all browser tests of the collection; each test has its own context, signed in.</summary>
public sealed class BrowserRun : IAsyncLifetime
{
    private IPlaywright? _playwright;
    private string? _session;

    /// <summary>The console under test, with <c>test:///default</c> as its host once a test asked for it.</summary>
    public TestConsole Console { get; private set; } = default!;

    /// <summary>The browser.</summary>
    public IBrowser Browser { get; private set; } = default!;

    /// <summary>Traces and pictures of failed tests.</summary>
    public static string Results { get; } = Directory.CreateDirectory(Path.Combine(TestConsole.RepositoryRoot, "TestResults")).FullName;

    /// <summary>Starts Chromium from the distribution.</summary>
    public static async Task<(IPlaywright, IBrowser)> LaunchAsync()
    {
        Assertions.SetDefaultExpectTimeout(30_000); // as long as a busy machine may take; what holds at once is not waited for
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium",
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
        return (playwright, browser);
    }

    public async Task InitializeAsync()
    {
        Console = await TestConsole.StartAsync();
        (_playwright, Browser) = await LaunchAsync();
    }

    public async Task DisposeAsync()
    {
        await Browser.DisposeAsync();
        _playwright?.Dispose();
        await Console.DisposeAsync();
    }

    /// <summary>Runs a journey: fails on console errors, page errors and broken policies; keeps a trace and a picture when it fails.</summary>
    /// <param name="name">File name for the trace.</param>
    /// <param name="journey">The test.</param>
    /// <param name="look">Size and theme; null for 1440 × 900, light.</param>
    /// <param name="signedIn">Whether the context has a session of <c>admin</c>.</param>
    /// <param name="console">Another console than the collection's.</param>
    /// <param name="expected">Console messages that are part of the journey, such as a lost connection.</param>
    /// <param name="trace">Whether to record a trace; it takes time on every step.</param>
    public async Task RunAsync(string name, Func<ConsolePage, Task> journey, Look? look = null, bool signedIn = true, TestConsole? console = null, Func<string, bool>? expected = null, bool trace = true)
    {
        look ??= Look.Desktop;
        var target = console ?? Console;
        await using var context = await Browser.NewContextAsync(new()
        {
            BaseURL = target.Url.ToString(), ViewportSize = new() { Width = look.Width, Height = look.Height }, ColorScheme = look.Dark ? ColorScheme.Dark : ColorScheme.Light,
            StorageState = signedIn && console is null ? await SessionAsync() : null, ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(45_000);
        if (trace) await context.Tracing.StartAsync(new() { Screenshots = true, Snapshots = true });
        var complaints = new ConcurrentQueue<string>();
        context.Console += (_, m) => { if (m.Type == "error" && expected?.Invoke(m.Text) != true) complaints.Enqueue(m.Text); };
        context.WebError += (_, e) => complaints.Enqueue("script error: " + e.Error);
        var page = new ConsolePage(await context.NewPageAsync(), target);
        try
        {
            if (signedIn && console is not null) await page.SignInAsync();
            await journey(page);
            complaints.ShouldBeEmpty();
            if (trace) await context.Tracing.StopAsync();
        }
        catch
        {
            var file = Path.Combine(Results, "browser", string.Concat(name.Split(Path.GetInvalidFileNameChars())));
            if (trace) await context.Tracing.StopAsync(new() { Path = file + ".zip" });
            await page.Page.ScreenshotAsync(new() { Path = file + ".png", FullPage = true });
            await File.WriteAllLinesAsync(file + ".txt", [page.Page.Url, .. complaints]);
            throw;
        }
    }

    private async Task<string> SessionAsync()
    {
        if (_session is not null) return _session;
        await using var context = await Browser.NewContextAsync(new() { BaseURL = Console.Url.ToString() });
        await new ConsolePage(await context.NewPageAsync(), Console).SignInAsync();
        return _session = await context.StorageStateAsync();
    }
}

/// <summary>How large the window is, and which theme.</summary>
public sealed record Look(int Width, int Height, bool Dark)
{
    /// <summary>1440 × 900, light.</summary>
    public static Look Desktop { get; } = new(1440, 900, false);

    /// <summary>390 × 844, light.</summary>
    public static Look Phone { get; } = new(390, 844, false);

    /// <summary>All four that every page is looked at in.</summary>
    public static IReadOnlyList<Look> All { get; } = [Desktop, Desktop with { Dark = true }, Phone, Phone with { Dark = true }];

    public override string ToString() => $"{Width}-{(Dark ? "dark" : "light")}";
}

/// <summary>Browser tests run one after the other on one console and one Chromium.</summary>
[CollectionDefinition("browser")]
public sealed class BrowserCollection : ICollectionFixture<BrowserRun>;
