using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Appliances;
using Quarterdeck.Appliances.Deploy;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Browser.Pages;

/// <summary>Makes objects whose pages are looked at: libvirt's mock host with its VM, and an operation on it.</summary>
internal static class Objects
{
    /// <summary>The routes of the pages below.</summary>
    public static readonly string[] Templates = ["/hosts/{Id}", "/vms/{Id}", "/vms/{Id}/edit", "/users/{Id}", "/audit/{Id}", "/operations/{Id}", "/repositories/{Id}", "/plugins/{Id}", "/appliances/{Id}", "/plugins/{Id}/upgrade", "/recovery-points/{Id}", "/recovery-points/{Id}/files", "/plugins/{Id}/ui", "/plugins/{Id}/ui/{*Inner}", "/workers/{Name}", "/workers/{Name}/edit", "/zones/{Hostname}", "/queues/{Name}", "/buckets/{Name}"];

    private static IReadOnlyList<(string, string)>? _made;

    public static async Task<IReadOnlyList<(string Name, string Path)>> OfAsync(TestConsole console)
    {
        if (_made is not null) return _made;
        var host = await HostAsync(console);
        var vm = await FirstAsync(console, "/api/v1/vms?pageSize=1");
        var action = await (await console.Rest.PostAsync($"/api/v1/vms/{vm}/actions/reboot", null)).Content.ReadFromJsonAsync<JsonElement>();
        return _made =
        [
            ("host", $"/hosts/{host}"), ("vm", $"/vms/{vm}"), ("vm-edit", $"/vms/{vm}/edit"),
            .. new[] { "console", "metrics", "protection", "snapshots", "operations", "audit" }.Select(tab => ($"vm-{tab}", $"/vms/{vm}?tab={tab}")),
            ("user", $"/users/{await FirstAsync(console, "/api/v1/users?pageSize=1")}"), ("audit-entry", $"/audit/{await FirstAsync(console, "/api/v1/audit?pageSize=1")}"),
            ("repository", $"/repositories/{await FirstAsync(console, "/api/v1/repositories?pageSize=1")}"),
            ("repository-upkeep", $"/repositories/{await FirstAsync(console, "/api/v1/repositories?pageSize=1")}?tab=upkeep"),
            ("operation", $"/operations/{action.GetProperty("operationId").GetString()}"),
            ("appliance", $"/appliances/{await ApplianceAsync(console, host)}"),
            .. await WorkerPages.OfAsync(console),
        ];
    }

    /// <summary>The id of the console's own mock host, once it is connected and its VM is listed.</summary>
    public static async Task<string> HostAsync(TestConsole console)
    {
        var answer = await console.Rest.PostAsJsonAsync("/api/v1/hosts", new { name = "mock", uri = await MockHost.WriteAsync(console) });
        if (!answer.IsSuccessStatusCode && (int)answer.StatusCode != 409) throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
        for (var i = 0; i < 100; i++)
        {
            if (await TryFirstAsync(console, "/api/v1/vms?pageSize=1") is not null) break;
            await Task.Delay(100);
        }
        return await FirstAsync(console, "/api/v1/hosts?search=mock");
    }

    /// <summary>A deployed appliance; a mock host stores no disks, so its row is written as a deployment would.</summary>
    private static async Task<Guid> ApplianceAsync(TestConsole console, string host)
    {
        var (id, store) = (Guid.CreateVersion7(), console.App.Services.GetRequiredService<ApplianceStore>());
        var properties = new Dictionary<string, string> { ["hostname"] = "edge", ["dns"] = "192.0.2.1, 192.0.2.2", ["motd"] = "" };
        await store.AddAsync(new ApplianceRow(id, Guid.CreateVersion7(), Guid.Parse(host), Guid.CreateVersion7(), "edge-router-of-the-northern-branch-office", "edge", new OvaProduct("Edge router", "Example", "2.1.0", ""), [], properties)
        {
            Signature = new OvaSignature(SignatureState.Trusted, "Example Incorporated", new string('a', 64)), Option = "large", PackageBytes = 312_000_000,
            Networks = new Dictionary<string, string> { ["Management"] = "default", ["Inside"] = "bridge:br0" },
        }, new Dictionary<string, string> { ["admin.password"] = "s3cret" }, default);
        return id;
    }

    private static async Task<string> FirstAsync(TestConsole console, string path) =>
        await TryFirstAsync(console, path) ?? throw new InvalidOperationException($"{path} lists nothing.");

    private static async Task<string?> TryFirstAsync(TestConsole console, string path)
    {
        var list = await console.Rest.GetFromJsonAsync<JsonElement>(path);
        return list.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetString()).FirstOrDefault();
    }
}
