using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Tests.Support;
using Quarterdeck.Web;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Tests.Web.Access;

public sealed class TlsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("qd-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("http://0.0.0.0:5080")]
    [InlineData("http://*:5080")]
    [InlineData("http://127.0.0.1:5080;http://192.0.2.1:5080")]
    public void Passwords_do_not_go_over_the_network_in_clear(string urls) =>
        Should.Throw<InvalidDataException>(() => QuarterdeckApp.Build([$"--QUARTERDECK_DATA={_folder}", $"--QUARTERDECK_URLS={urls}"])).Message.ShouldContain("Use https://");

    [Fact]
    public async Task An_https_address_gets_a_certificate_that_is_kept_and_answers_with_HSTS_and_secure_cookies()
    {
        await using var app = QuarterdeckApp.Build([$"--QUARTERDECK_DATA={_folder}", "--QUARTERDECK_URLS=https://127.0.0.1:0", "--QUARTERDECK_APPLIANCE_URL=https://127.0.0.1:0", "--Quarterdeck:Hosts:Local=off", "--Logging:LogLevel:Default=Warning"]);
        await app.StartAsync();
        using var client = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate!.Subject.StartsWith("CN=Quarterdeck on", StringComparison.Ordinal) } });
        var answers = new List<HttpResponseMessage>();
        foreach (var address in app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses)
        {
            try { answers.Add(await client.GetAsync(address + "/login")); }
            catch (HttpRequestException) { } // the appliance listener has the certificate of the console's own CA
        }
        var answer = answers.Single(a => a.StatusCode == HttpStatusCode.OK);
        answer.Headers.GetValues("Strict-Transport-Security").ShouldBe(["max-age=31536000"]);
        answer.Headers.GetValues("Set-Cookie").ShouldAllBe(c => c.Contains("secure"));
        await app.StopAsync();
        File.GetUnixFileMode(Path.Combine(_folder, "tls", "console.pfx")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public void The_certificate_is_kept_until_a_month_before_its_end()
    {
        var options = TestDatabase.OptionsFor(_folder, null) with { Urls = "https://console.example:5443" };
        var now = DateTimeOffset.UtcNow;
        using var first = GeneratedCertificate.LoadOrMake(Path.Combine(_folder, "tls"), options, now);
        using var second = GeneratedCertificate.LoadOrMake(Path.Combine(_folder, "tls"), options, now.AddDays(360));
        using var third = GeneratedCertificate.LoadOrMake(Path.Combine(_folder, "tls"), options, now.AddDays(370));
        second.Thumbprint.ShouldBe(first.Thumbprint);
        third.Thumbprint.ShouldNotBe(first.Thumbprint);
        first.MatchesHostname("console.example").ShouldBeTrue();
        first.MatchesHostname("127.0.0.1").ShouldBeTrue();
        first.HasPrivateKey.ShouldBeTrue();
    }

    [Theory]
    [InlineData("http://localhost:5080", "localhost:5080", true)]
    [InlineData("https://console.example", "console.example", true)]
    [InlineData("https://console.example", "console.example:443", true)]
    [InlineData("http://[::1]:5080", "[::1]:5080", true)]
    [InlineData("http://localhost:5081", "localhost:5080", false)]
    [InlineData("http://localhost.evil.example:5080", "localhost:5080", false)]
    [InlineData("null", "localhost:5080", false)]
    [InlineData("file://localhost", "localhost", false)]
    public void An_origin_is_ours_by_host_and_port(string origin, string host, bool own) => RequestOrigin.IsOwn(origin, new HostString(host)).ShouldBe(own);
}
