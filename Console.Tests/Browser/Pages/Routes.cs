using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Browser.Pages;

/// <summary>Every page of the console, for the picture and accessibility runs. A new page is added here.</summary>
public static class Routes
{
    /// <summary>Addresses that need nothing but a signed-in person: file name and path.</summary>
    public static readonly (string Name, string Path)[] Fixed =
    [
        ("overview", "/"),
        ("hosts", "/hosts"),
        ("vms", "/vms"),
        ("vms-nothing-matches", "/vms?search=no-such-vm&state=off"),
        ("vm-new", "/vms/new"),
        ("plugins", "/plugins"),
        ("appliances", "/appliances"),
        ("plugin-install", "/plugins/install"),
        ("plugin-validate", "/plugins/validate"),
        ("publishers", "/publishers"),
        ("repositories", "/repositories"),
        ("audit", "/audit"),
        ("users", "/users"),
        ("tokens", "/tokens"),
        ("profile", "/profile"),
        ("recovery-points", "/recovery-points"),
        ("restore", "/restore"),
        ("operations", "/operations"),
        ("schedules", "/schedules"),
        ("protection", "/protection"),
        ("backup-jobs", "/backup-jobs"),
        ("workers", "/workers"),
        ("worker-new", "/workers/new"),
        ("worker-upload", "/workers/upload"),
        ("zones", "/zones"),
        ("queues", "/queues"),
        ("buckets", "/buckets"),
        ("compute-servers", "/compute-servers"),
        ("worker-limits", "/worker-limits"),
        ("api", "/api"),
        ("not-found", "/nothing-is-here"),
    ];

    /// <summary>All of them; the variable LOOK narrows to some names (<c>LOOK=overview,hosts</c>) while working on a page.</summary>
    public static async Task<IReadOnlyList<(string Name, string Path)>> AllAsync(TestConsole console)
    {
        var wanted = Environment.GetEnvironmentVariable("LOOK")?.Split(',');
        if (wanted is not null && wanted.All(w => Fixed.Any(f => f.Name == w))) return [.. Fixed.Where(f => wanted.Contains(f.Name))];
        (string Name, string Path)[] all = [.. Fixed, .. await Objects.OfAsync(console)];
        return wanted is null ? all : [.. all.Where(r => wanted.Contains(r.Name))];
    }
}
