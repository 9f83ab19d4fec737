using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Front.Tls;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>Certificates and challenges of zones over REST, seen by visitors.</summary>
public sealed class CertificateTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_certificate_sent_in_is_what_visitors_see_its_key_is_told_to_nobody_and_challenges_are_answered()
    {
        await using var console = await TestConsole.StartAsync(new Dictionary<string, string> { ["QUARTERDECK_WORKER_URLS"] = "http://127.0.0.1:0;https://127.0.0.1:0" });
        var front = console.App.Services.GetRequiredService<WorkerFront>();
        await front.OpenedAsync(default).WaitAsync(Limit);
        const string certificate = "/api/v1/zones/shop.test/certificate";
        var pair = SelfSigned.Make("shop.test", DateTimeOffset.UtcNow).Value;
        using (var none = await console.Rest.PutAsJsonAsync(certificate, new { certificate = pair.Chain, privateKey = pair.Key })) Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        using (var zone = await console.Rest.PutAsJsonAsync("/api/v1/zones/shop.test", new { routes = Array.Empty<object>() })) Assert.True(zone.IsSuccessStatusCode, await zone.Content.ReadAsStringAsync());
        using (var missing = await console.Rest.GetAsync(certificate)) Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);

        using (var wrong = await console.Rest.PutAsJsonAsync(certificate, new { certificate = pair.Chain, privateKey = SelfSigned.Make("shop.test", DateTimeOffset.UtcNow).Value.Key })) Assert.Equal(HttpStatusCode.UnprocessableEntity, wrong.StatusCode);
        using var put = await console.Rest.PutAsJsonAsync(certificate, new { certificate = pair.Chain, privateKey = pair.Key });
        var told = await put.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        Assert.DoesNotContain("PRIVATE", told, StringComparison.Ordinal);
        var fingerprint = JsonSerializer.Deserialize<JsonElement>(told).GetProperty("fingerprint").GetString();
        await UntilShownAsync(front, fingerprint!);
        Assert.DoesNotContain("PRIVATE KEY", await console.Rest.GetStringAsync("/api/v1/audit"), StringComparison.Ordinal);

        using var generated = await console.Rest.PutAsJsonAsync(certificate, new { generate = true });
        await UntilShownAsync(front, (await generated.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("fingerprint").GetString()!);
        using (var gone = await console.Rest.DeleteAsync(certificate)) Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);

        const string challenge = "/api/v1/zones/shop.test/challenges/abc-123";
        using (var forged = await console.Rest.PutAsJsonAsync(challenge, new { keyAuthorization = "<script>" })) Assert.Equal(HttpStatusCode.UnprocessableEntity, forged.StatusCode);
        using (var set = await console.Rest.PutAsJsonAsync(challenge, new { keyAuthorization = "abc-123.thumb_print" })) Assert.Equal(HttpStatusCode.NoContent, set.StatusCode);
        var http = new Uri(front.Addresses.First(a => a.StartsWith("http:", StringComparison.Ordinal)));
        await UntilAsync(async () => await AskAsync(http, "/.well-known/acme-challenge/abc-123") == "abc-123.thumb_print");
        using (var unset = await console.Rest.DeleteAsync(challenge)) Assert.Equal(HttpStatusCode.NoContent, unset.StatusCode);
        await UntilAsync(async () => await AskAsync(http, "/.well-known/acme-challenge/abc-123") != "abc-123.thumb_print");
    }

    private static async Task<string> AskAsync(Uri at, string path)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(at, path));
        request.Headers.Host = "shop.test";
        using var answer = await client.SendAsync(request);
        return await answer.Content.ReadAsStringAsync();
    }

    private static Task UntilShownAsync(WorkerFront front, string fingerprint)
    {
        var port = new Uri(front.Addresses.First(a => a.StartsWith("https:", StringComparison.Ordinal))).Port;
        return UntilAsync(async () =>
        {
            using var visitor = new TcpClient();
            await visitor.ConnectAsync(IPAddress.Loopback, port);
            X509Certificate2? shown = null;
            await using var tls = new SslStream(visitor.GetStream(), false, (_, certificate, _, _) => (shown = new X509Certificate2(certificate!)) is not null);
            await tls.AuthenticateAsClientAsync("shop.test");
            return Convert.ToHexStringLower(shown!.GetCertHash(System.Security.Cryptography.HashAlgorithmName.SHA256)) == fingerprint;
        });
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!await condition()) await Task.Delay(50, limit.Token);
    }
}
