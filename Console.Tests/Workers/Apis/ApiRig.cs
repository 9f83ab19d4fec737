using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Apis;

/// <summary>A console that serves the worker of the checks (project/), another one that it is bound to (callee/), and a server outside that it calls.</summary>
public sealed class ApiRig : IAsyncLifetime
{
    /// <summary>Host name of the worker of the checks.</summary>
    public const string Host = "apis.test";

    // (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
    private static readonly byte[] Add = Convert.FromHexString("0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b");

    private OutsideServer _outside = null!;

    /// <summary>The console.</summary>
    public TestConsole Console { get; private set; } = null!;

    /// <summary>Where zones are served.</summary>
    public Uri Front { get; private set; } = null!;

    /// <summary>Asks the worker through the front.</summary>
    public HttpClient Client { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _outside = await OutsideServer.StartAsync();
        Console = await TestConsole.StartAsync(new Dictionary<string, string> { ["Quarterdeck:Workers:Servers:AllowedNetworks:0"] = "127.0.0.1/32" });
        var front = Console.App.Services.GetRequiredService<WorkerFront>();
        await front.OpenedAsync(default).WaitAsync(TimeSpan.FromSeconds(60));
        Front = new Uri(front.Addresses[0]);
        Client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, AutomaticDecompression = DecompressionMethods.None }) { BaseAddress = Front, Timeout = TimeSpan.FromSeconds(60) };
        Client.DefaultRequestHeaders.Host = Host;
        // Many checks one after the other are more than the usual half of a core where the machine is slow; the limit has tests of its own.
        var policies = Console.App.Services.GetRequiredService<WorkerPolicies>();
        var policy = (await policies.GetAsync(Caller.System, default)).Value;
        (await policies.SetAsync(Caller.System, policy with { Defaults = policy.Defaults with { CpuPercent = 100 } }, default)).Problem.ShouldBeNull();
        var repositories = await Console.Rest.GetFromJsonAsync<JsonElement>("/api/v1/repositories");
        (await Console.Rest.PutAsJsonAsync("/api/v1/buckets/apis", new { repositoryId = repositories.GetProperty("items")[0].GetProperty("id").GetString() })).EnsureSuccessStatusCode();
        var here = Path.Combine(TestConsole.RepositoryRoot, "Console.Tests", "Workers", "Apis");
        await ProjectFolder.DeployAsync(Console, folder => ProjectFolder.Copy(Path.Combine(here, "callee"), folder));
        var deployed = await ProjectFolder.DeployAsync(Console, folder =>
        {
            ProjectFolder.Copy(Path.Combine(here, "project"), folder);
            File.WriteAllBytes(Path.Combine(folder, "src", "add.wasm"), Add);
            File.WriteAllBytes(Path.Combine(folder, "src", "bytes.bin"), [1, 2, 255]);
        });
        deployed.GetProperty("warnings").GetArrayLength().ShouldBe(0, deployed.ToString());
    }

    /// <summary>What the worker wants to have checked inside it.</summary>
    internal async Task<IReadOnlyList<ApiCheck>> InsideAsync()
    {
        var areas = JsonDocument.Parse(await Client.GetStringAsync("/")).RootElement;
        return [.. areas.EnumerateArray().SelectMany((area, a) => area.GetProperty("checks").EnumerateArray().Select((check, c) => new ApiCheck(
            area.GetProperty("title").GetString()!, area.GetProperty("page").GetString()!, check.GetProperty("api").GetString()!, check.GetProperty("expected").GetString()!,
            rig => rig.TextAsync($"/{a}/{c}?origin={Uri.EscapeDataString(_outside.Url)}"), check.TryGetProperty("why", out var why) ? why.GetString() : null)))];
    }

    /// <summary>The body of an answer; with its status when that is not 200.</summary>
    public async Task<string> TextAsync(string path)
    {
        using var answer = await Client.GetAsync(path);
        var text = await answer.Content.ReadAsStringAsync();
        return answer.StatusCode is HttpStatusCode.OK ? text : $"{(int)answer.StatusCode} {text.Trim()}";
    }

    /// <summary>Asks until the answer is the expected one, for at most a minute; the last answer.</summary>
    public async Task<string> TextAsync(string path, string expected)
    {
        for (var until = DateTime.UtcNow.AddSeconds(60); ; await Task.Delay(50))
            if (await TextAsync(path) is var text && (text == expected || DateTime.UtcNow > until)) return text;
    }

    /// <summary>A web socket to the worker.</summary>
    public async Task<ClientWebSocket> SocketAsync(string path = "/seen/socket")
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Host", Host);
        await socket.ConnectAsync(new UriBuilder(new Uri(Front, path)) { Scheme = "ws" }.Uri, default).WaitAsync(TimeSpan.FromSeconds(60));
        return socket;
    }

    public async Task DisposeAsync()
    {
        Client.Dispose();
        await Console.DisposeAsync();
        await _outside.DisposeAsync();
    }
}

/// <summary>One documented API.</summary>
/// <param name="Area">Its heading in the table.</param>
/// <param name="Page">Where the Workers documentation tells of it, under /workers/.</param>
/// <param name="Api">Its name.</param>
/// <param name="Expected">What the documentation says it gives.</param>
/// <param name="Run">Uses it; what it gave.</param>
/// <param name="Why">Why it is known not to work; null for what should.</param>
internal sealed record ApiCheck(string Area, string Page, string Api, string Expected, Func<ApiRig, Task<string>> Run, string? Why = null);
