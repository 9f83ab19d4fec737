using System.Net.Http.Json;
using System.Text.Json;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Browser.Pages;

/// <summary>Makes objects whose pages are looked at: libvirt's mock host with its VM, and an operation on it.</summary>
internal static class Objects
{
    /// <summary>The routes of the pages below.</summary>
    public static readonly string[] Templates = ["/hosts/{Id}", "/vms/{Id}", "/vms/{Id}/edit", "/users/{Id}", "/audit/{Id}", "/operations/{Id}", "/repositories/{Id}", "/plugins/{Id}", "/plugins/{Id}/upgrade", "/plugins/{Id}/ui", "/plugins/{Id}/ui/{*Inner}"];

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
            .. new[] { "console", "metrics", "snapshots", "operations", "audit" }.Select(tab => ($"vm-{tab}", $"/vms/{vm}?tab={tab}")),
            ("user", $"/users/{await FirstAsync(console, "/api/v1/users?pageSize=1")}"), ("audit-entry", $"/audit/{await FirstAsync(console, "/api/v1/audit?pageSize=1")}"),
            ("repository", $"/repositories/{await FirstAsync(console, "/api/v1/repositories?pageSize=1")}"),
            ("operation", $"/operations/{action.GetProperty("operationId").GetString()}"),
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

    private static async Task<string> FirstAsync(TestConsole console, string path) =>
        await TryFirstAsync(console, path) ?? throw new InvalidOperationException($"{path} lists nothing.");

    private static async Task<string?> TryFirstAsync(TestConsole console, string path)
    {
        var list = await console.Rest.GetFromJsonAsync<JsonElement>(path);
        return list.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetString()).FirstOrDefault();
    }
}
