using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Browser.Pages;

/// <summary>Every page in light and dark, wide and narrow: a picture to look at, nothing serious for axe, nothing that sticks out sideways.</summary>
[Collection("browser")]
public sealed class LookTests(BrowserRun browser)
{
    private static readonly AxeRunOptions Rules = new() { RunOnly = new RunOnlyOptions { Type = "tag", Values = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] } };

    [Theory] // each width and each theme once
    [InlineData("1440-light")]
    [InlineData("390-dark")]
    public Task Every_page_is_accessible_and_fits_its_window(string look) => LookAsync(look);

    [Theory, Trait("Category", "Long")]
    [InlineData("1440-dark")]
    [InlineData("390-light")]
    public Task Every_page_is_accessible_in_the_other_theme_of_its_width(string look) => LookAsync(look);

    private async Task LookAsync(string look)
    {
        var size = Look.All.Single(l => l.ToString() == look);
        var folder = Directory.CreateDirectory(Path.Combine(BrowserRun.Results, "screenshots", look)).FullName;
        var routes = await Routes.AllAsync(browser.Console);
        var complaints = new List<string>();
        await browser.RunAsync("look-" + look, async page =>
        {
            foreach (var (name, path) in routes)
            {
                await page.OpenAsync(path);
                await page.SettledAsync();
                await page.Page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png"), FullPage = true });
                await CheckAsync(page, name, size, complaints);
            }
        }, size, expected: text => text.Contains("404", StringComparison.Ordinal), trace: false);
        await browser.RunAsync("look-login-" + look, async page =>
        {
            await page.Page.GotoAsync("/login");
            await page.Page.ScreenshotAsync(new() { Path = Path.Combine(folder, "login.png") });
            await CheckAsync(page, "login", size, complaints);
        }, size, signedIn: false, trace: false);
        complaints.ShouldBeEmpty();
    }

    /// <summary>Adds what sticks out or what axe calls serious.</summary>
    internal static async Task CheckAsync(ConsolePage page, string name, Look look, List<string> complaints)
    {
        var wide = await page.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth");
        if (wide > 0) complaints.Add($"{name}: {wide} px stick out to the right");
        if (look == Look.Phone) return; // its colours are the desktop's in light, its layout the phone's in dark: both are checked there
        var result = await page.Page.RunAxe(Rules);
        complaints.AddRange(result.Violations.Where(v => v.Impact is "serious" or "critical")
            .Select(v => $"{name}: {v.Id} [{v.Impact}] {v.Help}: {string.Join(" | ", v.Nodes.Take(3).Select(n => n.Html[..Math.Min(160, n.Html.Length)]))}"));
    }
}
