using Microsoft.Playwright;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Browser.Pages;

/// <summary>The list of VMs.</summary>
internal sealed class VmsOnPage(ConsolePage page)
{
    private IPage Page => page.Page;

    public async Task<VmsOnPage> OpenAsync(string query = "")
    {
        await page.OpenAsync("/vms" + query);
        await page.SettledAsync();
        return this;
    }

    /// <summary>How many match, as the toolbar says.</summary>
    public ILocator Count => Page.Locator(".qd-toolbar [role=status]");

    /// <summary>The row of a VM.</summary>
    public ILocator Row(string name) => Page.GetByRole(AriaRole.Row).Filter(new() { Has = Page.GetByRole(AriaRole.Link, new() { Name = name, Exact = true }) });

    /// <summary>Types into the search as a person does.</summary>
    public Task SearchAsync(string text) => Page.GetByRole(AriaRole.Searchbox).PressSequentiallyAsync(text);

    public Task FilterAsync(string label, string value) => Page.GetByLabel(label, new() { Exact = true }).SelectOptionAsync(value);
}
