using Microsoft.Playwright;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Browser.Pages;

/// <summary>One VM and its screen.</summary>
internal sealed class VmOnPage(ConsolePage page)
{
    private IPage Page => page.Page;

    public async Task<VmOnPage> OpenAsync(string id, string? tab = null)
    {
        await page.OpenAsync($"/vms/{id}" + (tab is null ? "" : $"?tab={tab}"));
        await page.SettledAsync();
        return this;
    }

    /// <summary>The state beside the name.</summary>
    public ILocator State => Page.Locator(".qd-title .qd-tag");

    /// <summary>The guest's screen.</summary>
    public ILocator Screen => Page.Locator(".qd-console-frame canvas");

    /// <summary>The state of the connection to it.</summary>
    public ILocator ScreenState => Page.Locator(".qd-console-state .qd-tag");

    /// <summary>An action beside the title, confirmed when asked.</summary>
    public async Task ActAsync(string action, string? confirm = null)
    {
        await Page.Locator(".qd-page-head").GetByRole(AriaRole.Button, new() { Name = action }).ClickAsync();
        if (confirm is not null) await Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = confirm }).ClickAsync();
    }

    /// <summary>An action of the menu.</summary>
    public async Task ActFromMenuAsync(string action)
    {
        await Page.Locator(".qd-page-head summary").ClickAsync();
        await Page.Locator(".qd-menu-list").GetByText(action, new() { Exact = true }).ClickAsync();
    }

    /// <summary>Share of the screen's pixels that are bright, 0 to 1: text on black is little, a filled screen is much.</summary>
    public Task<double> BrightnessAsync() => Screen.EvaluateAsync<double>("""
        canvas => {
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let bright = 0;
            for (let i = 0; i < data.length; i += 4) if (data[i] > 90 || data[i + 1] > 90 || data[i + 2] > 90) bright++;
            return bright / (data.length / 4);
        }
        """);

    /// <summary>Waits until the screen is so bright.</summary>
    public async Task UntilBrightAsync(Func<double, bool> enough, string why)
    {
        var last = 0.0;
        for (var end = DateTime.UtcNow.AddSeconds(60); DateTime.UtcNow < end; await Task.Delay(200))
            if (enough(last = await BrightnessAsync())) return;
        throw new TimeoutException($"{why}: {last:P1} of the screen is bright.");
    }
}
