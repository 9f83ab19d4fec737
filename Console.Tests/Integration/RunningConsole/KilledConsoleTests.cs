using System.Net;
using System.Text.Json;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.RunningConsole;

/// <summary>kill -9 of the real console, on real libvirt, at each step of what takes long: after the restart the work is finished, or nothing of it is left.</summary>
[Collection("System libvirt")]
public sealed class KilledConsoleTests
{
    private readonly string _run = "qdkill" + Guid.NewGuid().ToString("N")[..6];

    [Fact] // the harder moment, as below
    public Task Killed_at_any_step_of_creating_a_VM_it_finishes_the_VM_or_leaves_nothing() => CreateAsync(["end"]);

    [Fact, Trait("Category", "Long")]
    public Task Killed_as_any_step_of_creating_a_VM_begins_it_finishes_the_VM_or_leaves_nothing() => CreateAsync(["begin"]);

    private async Task CreateAsync(string[] moments)
    {
        await using var console = new ConsoleProcess();
        try
        {
            var points = await PointsOfAsync(console, (host, name) => CreateVmAsync(console, host, name), moments);
            await KillAtEachAsync(console, points, (host, name) => CreateVmAsync(console, host, name));
        }
        finally
        {
            LocalLibvirt.Remove(_run);
        }
    }

    [Fact]
    public async Task Killed_at_any_step_of_a_deployment_it_finishes_the_plug_in_or_leaves_nothing()
    {
        await using var console = new ConsoleProcess();
        try
        {
            // Only the harder moment: all of the step is done, and the console does not know it. A deployment boots a guest, and that takes time.
            var points = await PointsOfAsync(console, (host, name) => DeployAsync(console, host, name), ["end"]);
            await KillAtEachAsync(console, points, (host, name) => DeployAsync(console, host, name));
        }
        finally
        {
            LocalLibvirt.Remove(_run);
        }
    }

    /// <summary>Runs the work once undisturbed, and takes the names of its steps.</summary>
    private async Task<IReadOnlyList<HoldPoint>> PointsOfAsync(ConsoleProcess console, Func<string, string, Task<string?>> begin, string[] moments)
    {
        await console.StartAsync();
        var name = _run + "-first";
        var operation = await begin(await console.Rest.LocalHostAsync(), name);
        var ended = await console.Rest.SucceededAsync(operation!);
        await RemoveAsync(console, ended);
        LocalLibvirt.With(name).ShouldBeEmpty("the undisturbed run left something");
        await console.TerminateAsync();
        var kind = ended.GetProperty("kind").GetString()!;
        var points = ended.GetProperty("steps").EnumerateArray().SelectMany(step => moments.Select(moment => new HoldPoint(kind, step.GetProperty("key").GetString()!, moment))).ToList();
        points.ShouldNotBeEmpty();
        return points;
    }

    /// <summary>Each restart checks what became of the work before it, and is killed at the next point.</summary>
    private async Task KillAtEachAsync(ConsoleProcess console, IReadOnlyList<HoldPoint> points, Func<string, string, Task<string?>> begin)
    {
        HoldPoint? before = null;
        foreach (var (index, point) in points.Index())
        {
            point.ApplyTo(console);
            await console.StartAsync();
            if (before is not null) await RecoveredAsync(console, before, NameAt(index - 1));
            var started = begin(await console.Rest.LocalHostAsync(), NameAt(index));
            await point.ReachedAsync(console, started);
            await console.KillAsync();
            try { await started; }
            catch (HttpRequestException) { } // the console died under the request, as it should
            before = point;
        }
        console.Settings.Clear();
        await console.StartAsync();
        await RecoveredAsync(console, before!, NameAt(points.Count - 1));
        (await console.Rest.GetAsync($"/vms?search={_run}")).GetProperty("total").GetInt32().ShouldBe(0);
    }

    private string NameAt(int index) => $"{_run}-{index}x";

    private static async Task RecoveredAsync(ConsoleProcess console, HoldPoint point, string name)
    {
        var operations = (await console.Rest.GetAsync($"/operations?kind={point.Kind}&pageSize=50")).GetProperty("items").EnumerateArray();
        var operation = operations.Single(o => o.GetProperty("targetName").GetString() == name).GetProperty("id").GetString()!;
        var ended = await console.Rest.EndedAsync(operation, 180);
        switch (ended.GetProperty("state").GetString())
        {
            case "succeeded":
                LocalLibvirt.Domains().ShouldContain(name, $"killed at {point}: the operation succeeded, but there is no domain");
                await RemoveAsync(console, ended);
                break;
            case "failed" or "lost":
                ended.GetProperty("problem").GetProperty("detail").GetString().ShouldNotBeNullOrWhiteSpace();
                break;
            case var state:
                Assert.Fail($"killed at {point}: the operation ended as {state}: {ended}");
                break;
        }
        LocalLibvirt.With(name).ShouldBeEmpty($"killed at {point}: the operation ended as {ended.GetProperty("state")}, and this was left");
    }

    /// <summary>Takes away what the work made, by the console's own means.</summary>
    private static async Task RemoveAsync(ConsoleProcess console, JsonElement ended)
    {
        var result = ended.GetProperty("result");
        if (result.TryGetProperty("pluginId", out var plugin) && plugin.ValueKind == JsonValueKind.String)
        {
            (await console.Rest.GetAsync($"/plugins/{plugin.GetString()}")).GetProperty("state").GetString().ShouldBe("ready");
            await console.Rest.SucceededAsync(await console.Rest.AcceptedAsync(HttpMethod.Delete, $"/plugins/{plugin.GetString()}"));
            (await console.Rest.StatusAsync($"/plugins/{plugin.GetString()}")).ShouldBe(HttpStatusCode.NotFound);
            return;
        }
        await console.Rest.SucceededAsync(await console.Rest.AcceptedAsync(HttpMethod.Delete, $"/vms/{result.GetProperty("vmId").GetString()}?disks=true"));
    }

    private static async Task<string?> CreateVmAsync(ConsoleProcess console, string host, string name) =>
        await console.Rest.AcceptedAsync(HttpMethod.Post, "/vms", new { name, hostId = host, vcpus = 1, memoryMiB = 64, disks = new[] { new { sizeGiB = 1 }, new { sizeGiB = 2 } }, start = true });

    private static async Task<string?> DeployAsync(ConsoleProcess console, string host, string name)
    {
        await using var package = File.OpenRead(await DemoAppliance.PathAsync());
        using var form = new MultipartFormDataContent();
        form.Add(JsonContent(new { name, hostId = host, networks = new { Management = "user" }, properties = new { greeting = "Ahoy" }, allowUnsigned = true }), "spec");
        form.Add(new StreamContent(package), "file", "harbour-light.ova");
        return await console.Rest.AcceptedAsync(HttpMethod.Post, "/appliances", form);
    }

    private static StringContent JsonContent(object value) => new(JsonSerializer.Serialize(value), System.Text.Encoding.UTF8, "application/json");
}
