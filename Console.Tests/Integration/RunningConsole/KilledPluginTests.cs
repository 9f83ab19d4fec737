using System.Net;
using System.Text.Json;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.RunningConsole;

/// <summary>kill -9 of the real console while it upgrades and uninstalls a plug-in that runs on real QEMU: the plug-in is the new version or the one before, ready, with its data, and nothing is left over.</summary>
[Collection("System libvirt")]
public sealed class KilledPluginTests
{
    private const string Upgrade = "plugin.upgrade", Uninstall = "plugin.uninstall", First = "1.0.0", Second = "2.0.0";
    private static readonly string[] WhileItUploads = ["inspect", "receive", "check"];
    private static readonly string[] Afterwards = ["environment", "stop", "exchange", "start", "ready", "keep", "merge", "seal", "remove"];

    private readonly string _run = "qdkplug" + Guid.NewGuid().ToString("N")[..6];

    [Fact]
    public Task Killed_while_it_upgrades_or_uninstalls_it_goes_back_or_on_and_leaves_nothing() => WithPluginAsync(async (console, plugin) =>
    {
        await KillUpgradeAsync(console, plugin, "receive@end");
        // One operation is killed several times: each attempt finds what the one before has done.
        await KillUpgradeAsync(console, plugin, "environment@begin", "stop@begin", "exchange@begin", "start@begin");
        await KillUpgradeAsync(console, plugin, "merge@begin", "seal@begin", "remove@begin");
        await KillBrokenUpgradeAsync(console, plugin, "ready@begin", "undo@end");
        await KillUninstallAsync(console, plugin, "remove@begin", "remove@end");
    });

    [Theory, Trait("Category", "Long")]
    [InlineData("begin")]
    [InlineData("end")]
    public Task Killed_at_any_step_of_an_upgrade_it_goes_back_or_on_and_leaves_nothing(string moment) => WithPluginAsync(async (console, plugin) =>
    {
        foreach (var step in WhileItUploads.Concat(Afterwards)) await KillUpgradeAsync(console, plugin, $"{step}@{moment}");
    });

    [Theory, Trait("Category", "Long")]
    [InlineData("ready@begin")]
    [InlineData("undo@begin")]
    [InlineData("undo@end")]
    [InlineData("exchange@end", "undo@begin", "undo@end")]
    public Task Killed_while_it_tries_a_broken_version_it_goes_back_and_leaves_nothing(params string[] points) => WithPluginAsync((console, plugin) => KillBrokenUpgradeAsync(console, plugin, points));

    [Theory, Trait("Category", "Long")]
    [InlineData("refuse@begin")]
    [InlineData("refuse@end")]
    [InlineData("remove@begin")]
    [InlineData("remove@end")]
    [InlineData("forget@begin")]
    [InlineData("forget@end")]
    public Task Killed_at_any_step_of_an_uninstallation_it_leaves_nothing(string point) => WithPluginAsync((console, plugin) => KillUninstallAsync(console, plugin, point));

    private async Task WithPluginAsync(Func<ConsoleProcess, InstalledPlugin, Task> work)
    {
        await using var console = new ConsoleProcess();
        InstalledPlugin.Hasten(console);
        var plugin = new InstalledPlugin(console, _run);
        try
        {
            await console.StartAsync();
            await plugin.InstallAsync(First);
            await work(console, plugin);
        }
        finally
        {
            LocalLibvirt.Remove(_run);
        }
    }

    private static async Task KillUpgradeAsync(ConsoleProcess console, InstalledPlugin plugin, params string[] points)
    {
        var (before, wanted) = (plugin.Starts[^1], plugin.Starts[^1] == First ? Second : First);
        var package = await DemoAppliance.PathAsync(wanted);
        var ended = await KillAsync(console, Upgrade, () => plugin.UpgradeAsync(package), points);
        var when = $"killed at {string.Join(", ", points)}: {ended}";
        var uploading = WhileItUploads.Contains(points[0].Split('@')[0]);
        ended.GetProperty("state").GetString().ShouldBe(uploading ? "lost" : "succeeded", when);
        if (!uploading) plugin.Starts.Add(wanted); // an upload is over with its request, and the old version never stopped
        await plugin.StandsAsync(when);
    }

    private static async Task KillBrokenUpgradeAsync(ConsoleProcess console, InstalledPlugin plugin, params string[] points)
    {
        var package = await DemoAppliance.PathAsync("9.0.0", broken: true);
        var ended = await KillAsync(console, Upgrade, () => plugin.UpgradeAsync(package), points);
        var when = $"a broken version, killed at {string.Join(", ", points)}: {ended}";
        ended.GetProperty("state").GetString().ShouldBe("failed", when);
        ended.GetProperty("problem").GetProperty("detail").GetString()!.ShouldContain("The version before runs again", customMessage: when);
        plugin.Starts.Add(plugin.Starts[^1]); // it was stopped and started again, and finds nothing of what the broken one wrote
        await plugin.StandsAsync(when);
    }

    private static async Task KillUninstallAsync(ConsoleProcess console, InstalledPlugin plugin, params string[] points)
    {
        var ended = await KillAsync(console, Uninstall, plugin.UninstallAsync, points);
        ended.GetProperty("state").GetString().ShouldBe("succeeded", ended.ToString());
        (await console.Rest.StatusAsync($"/plugins/{plugin.Id}")).ShouldBe(HttpStatusCode.NotFound);
        plugin.IsGone($"killed at {string.Join(", ", points)}");
    }

    /// <summary>Kills the console at each of the points of one operation; returns how that ended.</summary>
    private static async Task<JsonElement> KillAsync(ConsoleProcess console, string kind, Func<Task<string?>> begin, string[] points)
    {
        Task<string?>? request = null;
        foreach (var (restarts, text) in points.Index())
        {
            var point = new HoldPoint(kind, text.Split('@')[0], text.Split('@')[1], restarts);
            await console.KillAsync();
            point.ApplyTo(console);
            await console.StartAsync();
            request ??= begin();
            await point.ReachedAsync(console, request, 180);
        }
        await console.KillAsync();
        try { await request!; }
        catch (HttpRequestException) { } // the console died under the request, as it should
        console.Settings.Remove("Quarterdeck__Operations__HoldAt");
        await console.StartAsync();
        var newest = (await console.Rest.GetAsync($"/operations?kind={kind}&sort=-createdAt&pageSize=1")).GetProperty("items")[0].GetProperty("id").GetString()!;
        return await console.Rest.EndedAsync(newest, 240);
    }
}
