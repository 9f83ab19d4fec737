using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.RunningConsole;

/// <summary>The demo appliance as a plug-in of a console that is killed and started again; looks past the console at what is really there.</summary>
internal sealed class InstalledPlugin(ConsoleProcess console, string name)
{
    private string _disk = "", _host = "";

    /// <summary>Name of its VM, and part of the names of all that belongs to it.</summary>
    public string Name => name;

    /// <summary>Its id.</summary>
    public string Id { get; private set; } = "";

    /// <summary>Which versions have started on its data disk, in order.</summary>
    public List<string> Starts { get; } = [];

    /// <summary>Settings of a console that hears, and notices the death of another, sooner than a person would want it to.</summary>
    public static void Hasten(ConsoleProcess console)
    {
        console.Settings["Quarterdeck__Plugins__HeartbeatSeconds"] = "1";
        console.Settings["Quarterdeck__Operations__Backoff"] = "00:00:02";
    }

    public async Task InstallAsync(string version)
    {
        _host = await console.Rest.LocalHostAsync();
        var ended = await console.Rest.SucceededAsync(await SendAsync("/appliances", await DemoAppliance.PathAsync(version),
            new { name, hostId = _host, networks = new { Management = "user" }, properties = new { greeting = "Ahoy" }, allowUnsigned = true }), 240);
        Id = ended.GetProperty("result").GetProperty("pluginId").GetString()!;
        Starts.Add(version);
        _disk = LocalLibvirt.Disk(name, "data");
        await StandsAsync("installed");
    }

    public async Task<string?> UpgradeAsync(string package)
    {
        // Just after a restart the host is listed as it was before, and may not be connected yet; that is not what is tried here.
        for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalSeconds < 60 && !await ConnectedAsync();) await Task.Delay(100);
        return await SendAsync($"/plugins/{Id}/actions/upgrade", package, new { allowUnsigned = true, allowDowngrade = true });
    }

    public async Task<string?> UninstallAsync() => await console.Rest.AcceptedAsync(HttpMethod.Delete, $"/plugins/{Id}");

    /// <summary>The version that started last on its data disk is ready, and nothing is there but what belongs to it.</summary>
    public async Task StandsAsync(string when)
    {
        var version = Starts[^1];
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(100))
        {
            var plugin = await console.Rest.GetAsync($"/plugins/{Id}");
            if (plugin.GetProperty("state").GetString() == "ready" && plugin.GetProperty("version").GetString() == version) break;
            if (clock.Elapsed.TotalSeconds > 120) Assert.Fail($"{when}: version {version} is not ready: {plugin}\n{console.Output}");
        }
        LocalLibvirt.Ask("domstate", name).ShouldBe(["running"], when);
        LocalLibvirt.Ask("snapshot-list", name, "--name").ShouldBeEmpty(when);
        LocalLibvirt.Ask("blockjob", name, _disk, "--raw").ShouldBeEmpty(when);
        var files = LocalLibvirt.Files(name);
        files.ShouldBe(LocalLibvirt.Files(name, "--inactive"), ignoreOrder: true, $"{when}: it starts next time with other disks than those it runs on");
        files.ShouldContain(_disk, when);
        LocalLibvirt.With(name).ShouldBe([name, .. files], ignoreOrder: true, $"{when}: something was left, or is missing");
        (await DataAsync("versions")).ReplaceLineEndings(" ").Trim().ShouldBe(string.Join(' ', Starts), $"{when}: the data disk");
        (await SystemLibvirt.RunAsync("isoinfo", "-J", "-x", "/ovf-env.xml", "-i", files.Single(f => f.EndsWith(".iso", StringComparison.Ordinal)))).ShouldNotContain("quarterdeck.enrolment.token", customMessage: when);
        Rows("SELECT COUNT(*) FROM appliances").ShouldBe(1, when);
        Rows("SELECT COUNT(*) FROM plugins WHERE upgrade_operation_id IS NOT NULL OR upgrade_to IS NOT NULL OR upgrade_before IS NOT NULL").ShouldBe(0, when);
        Spooled.ShouldBeEmpty(when);
    }

    /// <summary>Nothing of it is left, in libvirt, in the database and in the data folder.</summary>
    public void IsGone(string when)
    {
        LocalLibvirt.With(name).ShouldBeEmpty(when);
        foreach (var table in new[] { "plugins", "appliances", "plugin_moments", "plugin_events", "plugin_tickets" })
            Rows($"SELECT COUNT(*) FROM {table}").ShouldBe(0, $"{when}: {table}");
        Spooled.ShouldBeEmpty(when);
    }

    private async Task<bool> ConnectedAsync() => await console.Rest.StatusAsync($"/hosts/{_host}/pools") is HttpStatusCode.OK;

    private string[] Spooled => Directory.Exists(Path.Combine(console.Data, "spool")) ? Directory.GetFiles(Path.Combine(console.Data, "spool")) : [];

    /// <summary>A file on its data disk, which the guest writes through at once.</summary>
    private async Task<string> DataAsync(string file)
    {
        LocalLibvirt.Backing(_disk).ShouldBeNull();
        var copy = Path.Combine(console.Data, "data-disk.raw");
        await SystemLibvirt.RunAsync("qemu-img", "convert", "-U", "-f", "qcow2", "-O", "raw", _disk, copy);
        // What was written last is in the file system's journal; 1 says that it was brought in.
        await SystemLibvirt.RunAsync("/bin/sh", "-c", "/usr/sbin/e2fsck -p -E journal_only \"$0\" || [ $? -le 1 ]", copy);
        return await SystemLibvirt.RunAsync("/usr/sbin/debugfs", "-R", $"cat /{file}", copy);
    }

    private long Rows(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(console.Data, "quarterdeck.db")};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private async Task<string> SendAsync(string path, string package, object spec)
    {
        await using var content = File.OpenRead(package);
        using var form = new MultipartFormDataContent
        {
            { new StringContent(JsonSerializer.Serialize(spec), Encoding.UTF8, "application/json"), "spec" },
            { new StreamContent(content), "file", "harbour-light.ova" },
        };
        return await console.Rest.AcceptedAsync(HttpMethod.Post, path, form);
    }
}
