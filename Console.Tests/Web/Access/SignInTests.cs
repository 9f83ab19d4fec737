using System.Net;
using System.Net.WebSockets;
using Quarterdeck.Access;
using Quarterdeck.Tests.Support;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Tests.Web.Access;

public sealed class SignInTests(AccessConsole console) : IClassFixture<AccessConsole>
{
    private const string Password = "a good long password";

    private FormBrowser Browser() => new(console.Console.Url);

    [Fact]
    public async Task A_page_asks_for_a_sign_in_and_then_shows_itself()
    {
        var user = await console.UserAsync(Role.Viewer);
        using var browser = Browser();
        var asked = await browser.GetAsync("/profile");
        asked.StatusCode.ShouldBe(HttpStatusCode.Redirect);
        asked.Headers.Location!.PathAndQuery.ShouldBe("/login?returnUrl=%2Fprofile");
        var signedIn = await browser.SignInAsync(user.Name.ToUpperInvariant(), Password);
        signedIn.StatusCode.ShouldBe(HttpStatusCode.Redirect);
        (await browser.GetAsync("/profile")).StatusCode.ShouldBe(HttpStatusCode.OK);
        var cookie = signedIn.Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("qd-session=", StringComparison.Ordinal)).ToLowerInvariant();
        cookie.ShouldContain("httponly");
        cookie.ShouldContain("samesite=lax");
        cookie.ShouldNotContain(user.Name.ToLowerInvariant());
    }

    [Fact]
    public async Task Names_that_exist_and_names_that_do_not_are_answered_and_locked_alike()
    {
        var user = await console.UserAsync(Role.Viewer);
        foreach (var attempt in Enumerable.Range(1, 7))
        {
            using var known = Browser();
            using var unknown = Browser();
            var one = await known.SignInAsync(user.Name, "wrong");
            var two = await unknown.SignInAsync("nobody-" + user.Name, "wrong");
            one.StatusCode.ShouldBe(two.StatusCode);
            one.StatusCode.ShouldBe(attempt < 5 ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests, $"attempt {attempt}");
            Alert(await one.Content.ReadAsStringAsync()).ShouldBe(Alert(await two.Content.ReadAsStringAsync()));
        }
        using var right = Browser();
        var locked = await right.SignInAsync(user.Name, Password);
        locked.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        Alert(await locked.Content.ReadAsStringAsync()).ShouldContain("locked for up to 5 minutes");
        locked.Headers.Contains("Set-Cookie").ShouldBeFalse();
        (await console.RefusalsAsync("session.start")).Count(l => l.Target == $"user:{user.Id}").ShouldBe(8);
        (await console.RefusalsAsync("session.start")).ShouldAllBe(l => !(l.After + l.ActorName + l.Target).Contains("nobody-"));
    }

    [Fact]
    public async Task Guesses_made_at_the_same_time_are_all_counted()
    {
        var user = await console.UserAsync(Role.Viewer);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            using var browser = Browser();
            return (await browser.SignInAsync(user.Name, "wrong")).StatusCode;
        }));
        outcomes.ShouldContain(HttpStatusCode.TooManyRequests);
        using var right = Browser();
        (await right.SignInAsync(user.Name, Password)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
    }

    private static string Alert(string html) => html[html.IndexOf("role=\"alert\" id=\"login-message\"", StringComparison.Ordinal)..].Split("<span>")[1].Split('<')[0];

    [Theory]
    [InlineData("/vms?search=a", "/vms?search=a")]
    [InlineData("//evil.example", "/")]
    [InlineData("/\\evil.example", "/")]
    [InlineData("https://evil.example", "/")]
    [InlineData("javascript:alert(1)", "/")]
    [InlineData("/a\nb", "/")]
    [InlineData(null, "/")]
    public void A_return_address_stays_in_this_console(string? asked, string expected) => LoginPage.LocalPath(asked).ShouldBe(expected);

    [Fact]
    public async Task The_form_needs_its_token()
    {
        using var browser = Browser();
        var answer = await browser.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/login") { Content = FormBrowser.Form("forged", "admin", TestConsole.Password) });
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        using var signedIn = Browser();
        await signedIn.SignInAsync("admin", TestConsole.Password);
        (await signedIn.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/logout"))).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await signedIn.GetAsync("/profile")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Signing_out_ends_the_session_on_the_server_too()
    {
        var user = await console.UserAsync(Role.Viewer);
        using var browser = Browser();
        await browser.SignInAsync(user.Name, Password);
        var stolen = browser.Cookies.GetCookies(console.Console.Url)["qd-session"]!.Value;
        var page = await (await browser.GetAsync("/profile")).Content.ReadAsStringAsync();
        var token = FormBrowser.FormToken().Match(page).Groups[1].Value;
        var answer = await browser.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/logout") { Content = new FormUrlEncodedContent([new("__RequestVerificationToken", token)]) });
        answer.Headers.Location!.OriginalString.ShouldBe("/login");
        using var thief = Browser();
        thief.Cookies.Add(console.Console.Url, new Cookie("qd-session", stolen));
        (await thief.GetAsync("/profile")).StatusCode.ShouldBe(HttpStatusCode.Redirect);
    }

    [Fact]
    public async Task REST_ignores_cookies_and_pages_ignore_tokens()
    {
        using var browser = Browser();
        await browser.SignInAsync("admin", TestConsole.Password);
        (await browser.GetAsync("/api/v1/users")).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        var page = new HttpRequestMessage(HttpMethod.Get, "/");
        page.Headers.Accept.ParseAdd("text/html");
        (await console.Console.Rest.SendAsync(page)).StatusCode.ShouldBe(HttpStatusCode.Redirect);
    }

    [Fact]
    public async Task A_revoked_session_and_a_changed_role_sign_the_browser_out()
    {
        var user = await console.UserAsync(Role.Viewer);
        using var browser = Browser();
        await browser.SignInAsync(user.Name, Password);
        (await browser.GetAsync("/profile")).StatusCode.ShouldBe(HttpStatusCode.OK);
        var caller = new Caller(CallerKind.User, user.Id, user.Name, user.Role) { UserId = user.Id };
        var session = (await console.Get<Profile>().SessionsAsync(caller, default)).Value.ShouldHaveSingleItem();
        (await console.Get<Profile>().EndSessionAsync(caller, session.Id, default)).Ok.ShouldBeTrue();
        (await browser.GetAsync("/profile")).StatusCode.ShouldBe(HttpStatusCode.Redirect);

        await browser.SignInAsync(user.Name, Password);
        await console.Get<Users>().UpdateAsync(Caller.System, user.Id, new UserChange(Role: Role.Operator), default);
        (await browser.GetAsync("/profile")).StatusCode.ShouldBe(HttpStatusCode.Redirect);
    }

    [Theory]
    [InlineData("https://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("null", HttpStatusCode.Forbidden)]
    public async Task Another_sites_page_cannot_post_or_open_a_socket(string origin, HttpStatusCode expected)
    {
        using var browser = Browser();
        await browser.SignInAsync("admin", TestConsole.Password);
        var post = new HttpRequestMessage(HttpMethod.Post, "/logout");
        post.Headers.Add("Origin", origin);
        (await browser.SendAsync(post)).StatusCode.ShouldBe(expected);
        foreach (var path in (string[])["/_blazor", "/hubs/live", "/vms/x/vnc"])
        {
            using var socket = new ClientWebSocket { Options = { Cookies = browser.Cookies } };
            socket.Options.SetRequestHeader("Origin", origin);
            socket.Options.CollectHttpResponseDetails = true;
            await Should.ThrowAsync<WebSocketException>(socket.ConnectAsync(new UriBuilder(console.Console.Url) { Scheme = "ws", Path = path }.Uri, default));
            socket.HttpStatusCode.ShouldBe(expected, path);
        }
    }

    [Fact]
    public async Task The_circuit_needs_a_session()
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        await Should.ThrowAsync<WebSocketException>(socket.ConnectAsync(new UriBuilder(console.Console.Url) { Scheme = "ws", Path = "/_blazor" }.Uri, default));
        socket.HttpStatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_foreign_host_name_is_refused_and_an_address_is_not()
    {
        foreach (var (host, expected) in (( string, HttpStatusCode)[])[("rebound.example", HttpStatusCode.BadRequest), ("localhost", HttpStatusCode.OK), ("127.0.0.1", HttpStatusCode.OK), ("[::1]:5080", HttpStatusCode.OK)])
        {
            var request = new HttpRequestMessage(HttpMethod.Get, "/login");
            request.Headers.Host = host;
            using var client = console.Console.Client(null);
            (await client.SendAsync(request)).StatusCode.ShouldBe(expected, host);
        }
    }

    [Fact]
    public async Task Pages_carry_a_strict_policy_with_a_nonce_of_their_own()
    {
        using var browser = Browser();
        var one = await browser.GetAsync("/login");
        var two = await browser.GetAsync("/login");
        var policy = one.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem();
        policy.ShouldContain("default-src 'none'");
        policy.ShouldContain("frame-ancestors 'none'");
        policy.Split(';').Single(d => d.Trim().StartsWith("script-src ", StringComparison.Ordinal)).ShouldNotContain("unsafe");
        policy.ShouldNotBe(two.Headers.GetValues("Content-Security-Policy").Single());
        one.Headers.Contains("Strict-Transport-Security").ShouldBeFalse();
        one.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
    }
}
