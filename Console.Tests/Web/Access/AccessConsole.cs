using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Web.Access;

/// <summary>One console for the tests of a class, without events that need PostgreSQL.</summary>
public sealed class AccessConsole : IAsyncLifetime
{
    public TestConsole Console { get; private set; } = null!;

    public async Task InitializeAsync() => Console = await TestConsole.StartAsync(new Dictionary<string, string> { ["Quarterdeck:Access:AttemptsPerMinute"] = "1000" });

    public async Task DisposeAsync() => await Console.DisposeAsync();

    public T Get<T>() where T : notnull => Console.App.Services.GetRequiredService<T>();

    /// <summary>A token of a role, made by the administrator of the settings.</summary>
    public async Task<(string Secret, Guid Id)> TokenAsync(Role role, params string[] scopes)
    {
        var admin = (await Get<TokenVerifier>().VerifyAsync(TestConsole.Token, null, default))!;
        var issued = (await Get<ApiTokens>().CreateAsync(admin, new NewApiToken($"{role} {Guid.NewGuid():N}", role, scopes.Length == 0 ? null : scopes), default)).Value;
        return (issued.Secret, issued.Token.Id);
    }

    public async Task<HttpClient> ClientAsync(Role role, params string[] scopes) => Console.Client((await TokenAsync(role, scopes)).Secret);

    public async Task<User> UserAsync(Role role, string password = "a good long password") =>
        (await Get<Users>().CreateAsync(Caller.System, new NewUser("u" + Guid.NewGuid().ToString("N")[..12], role, password), default)).Value.User;

    public async Task<IReadOnlyList<AuditEntry>> RefusalsAsync(string action) =>
        (await Get<AuditTrail>().ListAsync(Caller.System, new AuditQuery(Action: action, Outcome: AuditOutcome.Refused), new(Size: 500), default)).Value.Items;
}

/// <summary>A browser's cookies and form, without the browser.</summary>
internal sealed partial class FormBrowser : IDisposable
{
    private readonly HttpClient _client;

    public FormBrowser(Uri url)
    {
        Cookies = new CookieContainer();
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = Cookies }) { BaseAddress = url };
        _client.DefaultRequestHeaders.Accept.ParseAdd("text/html");
    }

    public CookieContainer Cookies { get; }

    public Task<HttpResponseMessage> GetAsync(string path) => _client.GetAsync(path);

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) => _client.SendAsync(request);

    public async Task<HttpResponseMessage> SignInAsync(string name, string password, string? returnUrl = null)
    {
        var path = returnUrl is null ? "/login" : "/login?returnUrl=" + Uri.EscapeDataString(returnUrl);
        var form = await (await _client.GetAsync(path)).Content.ReadAsStringAsync();
        return await _client.PostAsync(path, Form(FormToken().Match(form).Groups[1].Value, name, password));
    }

    public static FormUrlEncodedContent Form(string token, string name, string password) => new(new Dictionary<string, string>
    {
        ["_handler"] = "login", ["__RequestVerificationToken"] = token, ["Name"] = name, ["Password"] = password,
    });

    public void Dispose() => _client.Dispose();

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"([^\"]+)\"")]
    public static partial Regex FormToken();
}

internal static class ProblemReading
{
    public static async Task<JsonElement> ProblemAsync(this HttpResponseMessage response, HttpStatusCode expected)
    {
        response.StatusCode.ShouldBe(expected, await response.Content.ReadAsStringAsync());
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }
}
