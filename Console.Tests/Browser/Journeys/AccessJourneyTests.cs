using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Quarterdeck.Access;
using Quarterdeck.Tests.Support;
using static Microsoft.Playwright.Assertions;

namespace Quarterdeck.Tests.Browser.Journeys;

[Collection("browser")]
public sealed class AccessJourneyTests(BrowserRun browser)
{
    private const string Password = "a good long password";

    private async Task<User> UserAsync(Role role) => (await browser.Console.App.Services.GetRequiredService<Users>()
        .CreateAsync(Caller.System, new NewUser("j" + Guid.NewGuid().ToString("N")[..10], role, Password), default)).Value.User;

    /// <summary>Refusals are part of these journeys; the browser's console names them by their status.</summary>
    private Task RunAsync(string name, Func<ConsolePage, Task> journey, bool signedIn = true) =>
        browser.RunAsync(name, journey, signedIn: signedIn, expected: text => text.Contains("status of 40", StringComparison.Ordinal));

    [Fact]
    public async Task Signing_in_needs_only_the_keyboard_and_leads_to_the_page_that_was_asked_for()
    {
        var user = await UserAsync(Role.Viewer);
        await RunAsync("sign-in", async page =>
        {
            await page.Page.GotoAsync("/profile");
            await Expect(page.Heading).ToHaveTextAsync("Sign in");
            await page.Page.GetByLabel("User name").FocusAsync();
            await page.Page.Keyboard.TypeAsync(user.Name);
            await page.Page.Keyboard.PressAsync("Tab");
            await page.Page.Keyboard.TypeAsync("not this one");
            await page.Page.Keyboard.PressAsync("Enter");
            await Expect(page.Page.Locator("#login-message")).ToContainTextAsync("User name or password is wrong.");
            await page.Page.GetByLabel("Password").FillAsync(Password);
            await page.Page.Keyboard.PressAsync("Enter");
            await page.Page.WaitForURLAsync("**/profile");
            await page.InteractiveAsync();
            await Expect(page.Page.GetByText("(this one)")).ToBeVisibleAsync();
        }, signedIn: false);
    }

    [Fact]
    public async Task A_token_is_made_shown_once_used_and_revoked() => await RunAsync("token", async page =>
    {
        var name = "journey " + Guid.NewGuid().ToString("N")[..8];
        await page.OpenAsync("/tokens");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "New token" }).ClickAsync();
        var dialog = page.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Name").FillAsync(name);
        await dialog.GetByLabel("Role").SelectOptionAsync("administrator");
        await dialog.GetByLabel("Narrow it to some permissions").CheckAsync();
        await dialog.GetByLabel("Read the audit log").CheckAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Create token" }).ClickAsync();
        var secret = await dialog.Locator("[data-secret]").InnerTextAsync();
        using var client = browser.Console.Client(secret);
        (await client.GetAsync("/api/v1/audit")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.GetAsync("/api/v1/users")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Done" }).ClickAsync();
        await Expect(page.Page.GetByRole(AriaRole.Cell, new() { Name = name }).First).ToBeVisibleAsync();
        await Expect(page.Page.Locator("[data-secret]")).ToHaveCountAsync(0); // the dialog's content goes a moment after it
        (await page.Page.ContentAsync()).ShouldNotContain(secret);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = $"Revoke {name}" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = $"Revoke {name}" }).ClickAsync();
        await Expect(page.Page.GetByRole(AriaRole.Cell, new() { Name = name })).ToHaveCountAsync(0);
        (await client.GetAsync("/api/v1/audit")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    });

    [Fact]
    public async Task A_user_is_made_promoted_and_disabled_and_the_audit_log_shows_it() => await RunAsync("user", async page =>
    {
        var name = "nora-" + Guid.NewGuid().ToString("N")[..8];
        await page.OpenAsync("/users");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "New user" }).ClickAsync();
        var dialog = page.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Name").FillAsync("not a name");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Create user" }).ClickAsync();
        await Expect(dialog.GetByRole(AriaRole.Alert)).ToContainTextAsync("This is not a user name.");
        await dialog.GetByLabel("Name").FillAsync(name);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Create user" }).ClickAsync();
        (await dialog.Locator("[data-secret]").InnerTextAsync()).Length.ShouldBe(20);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Done" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Searchbox).FillAsync(name);
        await page.Page.GetByRole(AriaRole.Link, new() { Name = name }).ClickAsync();
        await page.Page.GetByLabel("Role").SelectOptionAsync("operator");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = $"Disable {name}" }).ClickAsync();
        await Expect(page.Page.Locator(".qd-title .qd-tag")).ToContainTextAsync("disabled");
        await page.OpenAsync($"/audit?search={name}&sort=at");
        await Expect(page.Page.Locator("tbody tr")).ToHaveCountAsync(3);
        await page.Page.Locator("tbody tr").Nth(1).GetByRole(AriaRole.Link).ClickAsync();
        await Expect(page.Page.Locator("del")).ToHaveTextAsync("viewer");
        await Expect(page.Page.Locator("ins")).ToHaveTextAsync("operator");
    });

    [Fact]
    public async Task A_session_that_is_ended_elsewhere_signs_an_open_page_out_within_seconds()
    {
        var user = await UserAsync(Role.Operator);
        await RunAsync("session-end", async page =>
        {
            await page.SignInAsync(user.Name, Password);
            await page.OpenAsync("/tokens");
            await Expect(page.Heading).ToHaveTextAsync("Tokens");
            (await browser.Console.Rest.PutAsJsonAsync($"/api/v1/users/{user.Id}", new { role = "viewer" })).EnsureSuccessStatusCode();
            await Expect(page.Page.GetByText("Sign in to see this page")).ToBeVisibleAsync();
            await Expect(page.Page.GetByRole(AriaRole.Button, new() { Name = "New token" })).ToHaveCountAsync(0);
        }, signedIn: false);
    }

    [Fact]
    public async Task A_page_that_the_role_forbids_says_so_and_is_not_in_the_menu()
    {
        var user = await UserAsync(Role.Viewer);
        await RunAsync("forbidden", async page =>
        {
            await page.SignInAsync(user.Name, Password);
            await page.OpenAsync("/profile");
            foreach (var hidden in (string[])["Users and roles", "Tokens", "Audit"])
                await Expect(page.Page.GetByRole(AriaRole.Link, new() { Name = hidden, Exact = true })).ToHaveCountAsync(0);
            var answer = await page.Page.GotoAsync("/users");
            answer!.Status.ShouldBe(403);
            await Expect(page.Page.GetByText("Your role does not include this page")).ToBeVisibleAsync();
        }, signedIn: false);
    }

    [Fact]
    public async Task One_changes_the_password_and_signs_out_everywhere_else()
    {
        var user = await UserAsync(Role.Viewer);
        await RunAsync("profile", async page =>
        {
            var sessions = browser.Console.App.Services.GetRequiredService<SessionKeeper>();
            await sessions.OpenAsync(user.Id, "192.0.2.7", "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0", default);
            await page.SignInAsync(user.Name, Password);
            await page.OpenAsync("/profile");
            await Expect(page.Page.GetByText("Firefox on Windows")).ToBeVisibleAsync();
            await page.Page.GetByLabel("Present password").FillAsync(Password);
            await page.Page.GetByLabel("New password", new() { Exact = true }).FillAsync("another good password");
            await page.Page.GetByLabel("New password again").FillAsync("another good password");
            await page.Page.GetByRole(AriaRole.Button, new() { Name = "Change password" }).ClickAsync();
            await Expect(page.Page.GetByText("The password is changed.")).ToBeVisibleAsync();
            await Expect(page.Page.GetByText("Firefox on Windows")).ToHaveCountAsync(0);
            await Task.Delay(3500); // longer than the session check: this one goes on
            await page.OpenAsync("/profile");
            await Expect(page.Page.GetByText("(this one)")).ToBeVisibleAsync();
        }, signedIn: false);
    }
}
