using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Web;

namespace Quarterdeck.Tests.Support;

/// <summary>The real console on a free loopback port with a data folder of its own.</summary>
/// <remarks>The local libvirt is not added unless asked for, so that tests don't depend on the machine's VMs.</remarks>
public sealed class TestConsole : IAsyncDisposable
{
    /// <summary>Password of <c>admin</c>.</summary>
    public const string Password = "correct-horse-battery-9";

    /// <summary>An API token with all permissions.</summary>
    public const string Token = "test-token-0123456789abcdef0123456789abcdef";

    private readonly bool _ownsData;
    private bool _stopped;

    private TestConsole(WebApplication app, string data, bool ownsData)
    {
        (App, Data, _ownsData) = (app, data, ownsData);
        // The appliance listener may be the other address; it is TLS.
        Url = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First(a => a.StartsWith("http://", StringComparison.Ordinal)));
        Rest = Client(Token);
    }

    /// <summary>The running console.</summary>
    public WebApplication App { get; }

    /// <summary>Its data folder.</summary>
    public string Data { get; }

    /// <summary>Where it is served.</summary>
    public Uri Url { get; }

    /// <summary>A client with <see cref="Token"/>.</summary>
    public HttpClient Rest { get; }

    /// <summary>The folder with the solution.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>Starts a console.</summary>
    /// <param name="settings">More settings, such as <c>Quarterdeck:Hosts:FirstHost=qemu:///system</c>.</param>
    /// <param name="adjust">Replaces services.</param>
    /// <param name="data">A data folder to continue with; it is left behind. Null for a new one that is deleted in the end.</param>
    /// <param name="port">0 for a free one.</param>
    public static async Task<TestConsole> StartAsync(IReadOnlyDictionary<string, string>? settings = null, Action<WebApplicationBuilder>? adjust = null, string? data = null, int port = 0)
    {
        var folder = data ?? Directory.CreateTempSubdirectory("quarterdeck-test-").FullName;
        var all = new Dictionary<string, string>
        {
            ["QUARTERDECK_DATA"] = folder, ["QUARTERDECK_URLS"] = $"http://127.0.0.1:{port}", ["QUARTERDECK_APPLIANCE_URL"] = "https://127.0.0.1:0", ["QUARTERDECK_WORKER_URLS"] = "http://127.0.0.1:0",
            ["QUARTERDECK_ADMIN_PASSWORD"] = Password, ["QUARTERDECK_ADMIN_TOKEN"] = Token, ["Quarterdeck:Hosts:FirstHost"] = "",
            ["Logging:LogLevel:Default"] = "Warning",
        };
        foreach (var (key, value) in settings ?? new Dictionary<string, string>()) all[key] = value;
        var app = QuarterdeckApp.Build([.. all.Select(s => $"--{s.Key}={s.Value}")], adjust);
        await app.StartAsync();
        return new TestConsole(app, folder, data is null);
    }

    /// <summary>A client with another token, or none.</summary>
    public HttpClient Client(string? token)
    {
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Url };
        if (token is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    /// <summary>Stops it as SIGTERM would; the data folder stays until it is disposed.</summary>
    public async Task StopAsync()
    {
        if (_stopped) return;
        _stopped = true;
        Rest.Dispose();
        await App.StopAsync();
        await App.DisposeAsync();
    }

    /// <summary>Stops it and deletes its data folder.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_ownsData) Directory.Delete(Data, recursive: true);
    }

    private static string FindRoot([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", ".."));
}
