using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Plugins;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Libvirt;

/// <summary>The whole path on real QEMU, by REST alone: the demo appliance is installed, rebooted, turned off and on, and removed.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class DemoApplianceTests(SystemLibvirt libvirt)
{
    private const string Password = "s3cret-of-ann";

    [Fact]
    public async Task The_demo_appliance_is_installed_survives_a_reboot_without_its_token_and_leaves_nothing()
    {
        await using var console = await TestConsole.StartAsync(new Dictionary<string, string>
        {
            ["Quarterdeck:Hosts:FirstHost"] = SystemLibvirt.Uri, ["QUARTERDECK_APPLIANCE_URL"] = $"https://10.0.2.2:{ConsoleProcess.FreePort()}", ["Quarterdeck:Plugins:HeartbeatSeconds"] = "2",
        });
        using var rest = new RestClient(console.Url, TestConsole.Token);
        var name = libvirt.Prefix + "-demo";
        var host = await HostAsync(rest);

        var installed = (await rest.SucceededAsync(await DeployAsync(rest, host, name), 240)).GetProperty("result");
        var (plugin, vm) = (installed.GetProperty("pluginId").GetString()!, installed.GetProperty("vmId").GetString()!);
        (await StateAsync(rest, plugin)).ShouldBe("ready");
        var page = await PageAsync(console, plugin, "/");
        page.ShouldContain("Fish &amp; ships");
        page.ShouldContain("<dd id=\"version\">1.0.0</dd>");
        page.ShouldContain("<dd id=\"starts\">1</dd>");
        (await PageAsync(console, plugin, "/card.html")).ShouldContain("Version 1.0.0, start 1");
        (await PageAsync(console, plugin, "/cgi-bin/events")).ShouldContain("Nothing since the start");
        (await PageAsync(console, plugin, "/cgi-bin/vm?id=%3Cb%3E")).ShouldContain("Which VM?");
        (await UnsignedEventAsync(console, plugin)).ShouldBe(HttpStatusCode.Unauthorized);
        var environment = await EnvironmentAsync(name);
        environment.ShouldContain("Fish &amp; ships");
        environment.ShouldContain($"oe:key=\"quarterdeck.plugin.instance\" oe:value=\"{plugin}\"");
        environment.ShouldNotContain("quarterdeck.enrolment.token");
        environment.ShouldNotContain(Password);
        foreach (var file in Directory.GetFiles(console.Data, "quarterdeck.db*")) (await ReadAsync(file)).ShouldNotContain(Password);

        await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Post, $"/vms/{vm}/actions/stop"));
        await UntilAsync(rest, plugin, "unreachable", 60);
        await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Post, $"/vms/{vm}/actions/start"));
        await UntilAsync(rest, plugin, "ready", 240);
        (await PageAsync(console, plugin, "/")).ShouldContain("<dd id=\"starts\">2</dd>"); // its data disk is as it left it

        await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Post, $"/plugins/{plugin}/actions/disable?stopVm=true"), 120);
        (await StateAsync(rest, plugin)).ShouldBe("disabled");
        await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Post, $"/plugins/{plugin}/actions/enable"), 240);
        (await StateAsync(rest, plugin)).ShouldBe("ready");

        await rest.SucceededAsync(await rest.AcceptedAsync(HttpMethod.Delete, $"/plugins/{plugin}"), 120);
        (await rest.StatusAsync($"/plugins/{plugin}")).ShouldBe(HttpStatusCode.NotFound);
        (await rest.StatusAsync($"/vms/{vm}")).ShouldBe(HttpStatusCode.NotFound);
        LocalLibvirt.With(name).ShouldBeEmpty();
    }

    /// <summary>What its web server answers, reached as the console reaches it.</summary>
    private static async Task<string> PageAsync(TestConsole console, string plugin, string path)
    {
        var place = (await console.App.Services.GetRequiredService<PluginDoor>().OpenAsync(Guid.Parse(plugin), 80, default)).Value;
        using var http = new HttpClient { BaseAddress = new Uri($"http://{place}"), Timeout = TimeSpan.FromSeconds(60) };
        return await http.GetStringAsync(path);
    }

    /// <summary>What it says to an event that the console did not sign.</summary>
    private static async Task<HttpStatusCode> UnsignedEventAsync(TestConsole console, string plugin)
    {
        var place = (await console.App.Services.GetRequiredService<PluginDoor>().OpenAsync(Guid.Parse(plugin), 80, default)).Value;
        using var http = new HttpClient { BaseAddress = new Uri($"http://{place}"), Timeout = TimeSpan.FromSeconds(60) };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/cgi-bin/hook") { Content = new StringContent("""{"event":"vm.started"}""", Encoding.UTF8, "application/json") };
        request.Headers.Add("Quarterdeck-Timestamp", DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture));
        request.Headers.Add("Quarterdeck-Signature", "v1=" + new string('0', 64));
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }

    private static async Task<string> DeployAsync(RestClient rest, string host, string name)
    {
        await using var package = File.OpenRead(await DemoAppliance.PathAsync());
        using var form = new MultipartFormDataContent
        {
            { new StringContent(JsonSerializer.Serialize(new { name, hostId = host, networks = new { Management = "user" }, properties = new Dictionary<string, string> { ["greeting"] = "Fish & ships", ["admin.password"] = Password }, allowUnsigned = true }), Encoding.UTF8, "application/json"), "spec" },
            { new StreamContent(package), "file", "harbour-light.ova" },
        };
        return await rest.AcceptedAsync(HttpMethod.Post, "/appliances", form);
    }

    private static async Task<string> HostAsync(RestClient rest)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(200))
        {
            var host = (await rest.GetAsync("/hosts")).GetProperty("items").EnumerateArray().FirstOrDefault();
            if (host.ValueKind is JsonValueKind.Object && host.GetProperty("state").GetString() == "connected" && host.GetProperty("acceleration").GetString() != "unknown") return host.GetProperty("id").GetString()!;
            if (clock.Elapsed.TotalSeconds > 90) Assert.Fail($"The host did not connect: {host}");
        }
    }

    private static async Task<string?> StateAsync(RestClient rest, string plugin) => (await rest.GetAsync($"/plugins/{plugin}")).GetProperty("state").GetString();

    private static async Task UntilAsync(RestClient rest, string plugin, string state, int seconds)
    {
        for (var clock = Stopwatch.StartNew(); await StateAsync(rest, plugin) is var now && now != state; await Task.Delay(200))
            if (clock.Elapsed.TotalSeconds > seconds) Assert.Fail($"After {seconds} s the plug-in is {now}, not {state}.");
    }

    private static async Task<string> EnvironmentAsync(string name) =>
        await SystemLibvirt.RunAsync("isoinfo", "-J", "-x", "/ovf-env.xml", "-i", LocalLibvirt.With(name).Single(path => path.EndsWith("environment.iso", StringComparison.Ordinal)));

    private static async Task<string> ReadAsync(string file)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadToEndAsync();
    }
}
