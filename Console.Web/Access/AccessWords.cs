using Quarterdeck.Access;

namespace Quarterdeck.Web.Access;

/// <summary>This room's words on pages.</summary>
internal static class AccessWords
{
    public static readonly IReadOnlyList<(string Value, string Text)> Roles =
    [
        ("viewer", "Viewer: sees, changes nothing"), ("operator", "Operator: runs VMs, jobs and plug-ins"), ("administrator", "Administrator: may all"),
    ];

    public static string Of(Role role) => role.ToString();

    public static string StateOf(User user) => user.Disabled ? "disabled" : user.LockedUntil is not null ? "locked" : "enabled";

    public static Role? RoleOf(string? value) => Enum.TryParse<Role>(value, ignoreCase: true, out var role) && Enum.IsDefined(role) ? role : null;

    /// <summary>A browser in a few words, from what it called itself; null for none.</summary>
    public static string Browser(string? agent)
    {
        if (string.IsNullOrWhiteSpace(agent)) return "Unknown program";
        // The order matters: every Edge and Opera also says Chrome, every Chrome also says Safari.
        (string Sign, string Name)[] browsers = [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl")];
        (string Sign, string Name)[] systems = [("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS"), ("Mac OS", "macOS"), ("Linux", "Linux")];
        string? Find((string Sign, string Name)[] names) => Array.Find(names, n => agent.Contains(n.Sign, StringComparison.Ordinal)).Name;
        var (browser, system) = (Find(browsers), Find(systems));
        return browser is null ? agent[..Math.Min(40, agent.Length)] : system is null ? browser : $"{browser} on {system}";
    }
}
