using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Plugins;
using Quarterdeck.Plugins.Registry;
using Quarterdeck.Tests.Hosts;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Web.Plugins;

/// <summary>The appliance listener as a guest meets it: over TLS, with nothing but the authority's certificate.</summary>
public sealed class ListenerTests : IAsyncLifetime
{
    private const string Enrolments = "/api/v1/plugins/enrolments";
    private TestConsole _console = null!;
    private HttpClient _guest = null!;
    private string _token = "";

    public async Task InitializeAsync()
    {
        _console = await TestConsole.StartAsync();
        var address = _console.App.Services.GetRequiredService<ApplianceAddress>();
        await HostsNode.UntilAsync(() => Task.FromResult(address.Problem), p => p is null, 20);
        using var authority = X509Certificate2.CreateFromPem(await _console.App.Services.GetRequiredService<ConsoleAuthority>().CertificateAsync(default));
        _guest = Guest($"https://127.0.0.1:{address.Port}", X509CertificateLoader.LoadCertificate(authority.RawData));
        var (store, tokens) = (_console.App.Services.GetRequiredService<PluginStore>(), _console.App.Services.GetRequiredService<TokenStore>());
        var bytes = Encoding.UTF8.GetBytes(OvaBuilder.Plugin);
        var manifest = Quarterdeck.Plugins.Manifests.PluginManifest.Parse(bytes, "manifest").Value;
        var id = (await store.AddAsync(new PluginRow(
            Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), manifest.Key, manifest.Name, manifest.Vendor, manifest.Version, "", "[]", null, manifest.Json,
            Quarterdeck.Plugins.Manifests.PluginManifest.Digest(bytes), PluginState.Deploying, HealthState.Unknown, null, null, null, DateTimeOffset.UtcNow), default)).Value;
        _token = TokenText.New(TokenText.Enrolment);
        await tokens.OfferAsync(id, TokenText.Hash(_token), default);
        await tokens.OpenWindowAsync(id, DateTimeOffset.UtcNow.AddMinutes(15), default);
    }

    public async Task DisposeAsync()
    {
        _guest.Dispose();
        await _console.DisposeAsync();
    }

    private static HttpClient Guest(string address, X509Certificate2? authority) => new(new SocketsHttpHandler
    {
        SslOptions = new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = authority is null ? null : new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck },
        },
    })
    { BaseAddress = new Uri(address) };

    private string Body() => $$"""{"token":"{{_token}}","manifest":{{OvaBuilder.Plugin}},"manifestDigest":"{{Quarterdeck.Plugins.Manifests.PluginManifest.Digest(Encoding.UTF8.GetBytes(OvaBuilder.Plugin))}}","later":1}""";

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(string path, HttpContent content, string? bearer = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        if (bearer is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        using var answer = await _guest.SendAsync(request);
        return (answer.StatusCode, JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task An_appliance_enrols_and_says_that_it_is_well()
    {
        var (status, body) = await SendAsync(Enrolments, Json(Body()));
        status.ShouldBe(HttpStatusCode.Created, $"{body}");
        body.EnumerateObject().Select(p => p.Name).ShouldBe(["pluginId", "token", "expiresAt", "heartbeatSeconds"]);
        var (id, own) = (body.GetProperty("pluginId").GetString(), body.GetProperty("token").GetString());

        var (beat, state) = await SendAsync($"/api/v1/plugins/{id}/heartbeat", Json("""{"health":{"state":"healthy"},"version":"1.0.0"}"""), own);

        beat.ShouldBe(HttpStatusCode.OK, $"{state}");
        state.GetProperty("state").GetString().ShouldBe("ready");
        (await SendAsync(Enrolments, Json(Body()))).Status.ShouldBe(HttpStatusCode.Conflict);
        (await SendAsync($"/api/v1/plugins/{id}/heartbeat", Json("{}"), _token)).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await SendAsync($"/api/v1/plugins/{id}/heartbeat", Json("{}"))).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await SendAsync($"/api/v1/plugins/{id}/heartbeat", Json("{}"), own)).Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
        (await _console.Rest.GetStringAsync($"/api/v1/plugins/{id}")).ShouldContain("\"state\":\"ready\"");
    }

    [Fact]
    public async Task Nothing_else_answers_there()
    {
        foreach (var path in new[] { "/", "/api/v1/plugins", "/api/v1/vms", "/healthz/live", "/metrics", "/openapi/v1.json", "/hubs/live", "/_framework/blazor.web.js" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", TestConsole.Token) } };
            using var answer = await _guest.SendAsync(request);
            answer.StatusCode.ShouldBe(HttpStatusCode.NotFound, path);
        }
    }

    [Fact]
    public async Task Its_calls_answer_nowhere_else()
    {
        using var enrol = await _console.Rest.PostAsync(Enrolments, Json(Body()));
        ((int)enrol.StatusCode).ShouldBeInRange(404, 405);
        using var beat = await _console.Rest.PostAsync($"/api/v1/plugins/{Guid.NewGuid()}/heartbeat", Json("{}"));
        beat.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Bodies_are_limited_and_must_be_JSON()
    {
        (await SendAsync(Enrolments, Json(new string(' ', 65 << 10)))).Status.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await SendAsync(Enrolments, new StringContent(Body(), Encoding.UTF8, "text/plain"))).Status.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        (await SendAsync(Enrolments, Json("{"))).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await SendAsync(Enrolments, Json("{}"))).Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
        (await SendAsync(Enrolments, Json(string.Concat(Enumerable.Repeat("{\"a\":", 30)) + "1" + new string('}', 30)))).Status.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_flood_is_told_to_wait()
    {
        var seen = new HashSet<HttpStatusCode>();
        for (var i = 0; i < 70; i++) seen.Add((await SendAsync(Enrolments, Json(Body().Replace("qde_", "qdx_")))).Status);

        seen.ShouldBe([HttpStatusCode.Forbidden, HttpStatusCode.TooManyRequests]);
    }

    [Fact]
    public async Task Its_certificate_is_the_authority_s_and_names_where_guests_find_it()
    {
        using var authority = X509Certificate2.CreateFromPem(await _console.App.Services.GetRequiredService<ConsoleAuthority>().CertificateAsync(default));
        using var certificate = await _console.App.Services.GetRequiredService<ConsoleAuthority>().ServerCertificateAsync(["10.0.2.2", "127.0.0.1", "localhost"], default);
        certificate.MatchesHostname("10.0.2.2").ShouldBeTrue();
        certificate.MatchesHostname("localhost").ShouldBeTrue();
        certificate.MatchesHostname("example.org").ShouldBeFalse();
        using var stranger = Guest(_guest.BaseAddress!.ToString(), null);
        await Should.ThrowAsync<HttpRequestException>(() => stranger.GetAsync("/"));
    }
}
