namespace Quarterdeck.Tests.House;

/// <summary>The rules of docs/house.md on what may use what. Each returns one line a violation, with the remedy.</summary>
internal static class HouseRules
{
    private const string Root = "Quarterdeck.";

    /// <summary>Rooms from the lowest floor to the highest; one entry is one floor.</summary>
    private static readonly string[][] Floors =
    [
        ["Platform"], ["Database"], ["Events", "Secrets"], ["Access"], ["Operations", "Metrics", "Tags"], ["Schedules", "Notifications"], ["Alerts", "Search"],
        ["Hosts", "Repositories"], ["Appliances", "Backups", "Workers", "Units", "Traffic", "Trust"], ["Restores", "Applications", "Plugins"], ["Verification"], ["Web"],
    ];

    /// <summary>Sub-folders that other rooms may use.</summary>
    private static readonly string[] OpenFolders = ["Quarterdeck.Platform.Processes", "Quarterdeck.Platform.Interop"];

    /// <summary>Where <c>Console.Services</c> may use ASP.NET: Identity, Data Protection, Kestrel.</summary>
    private static readonly string[] AspNetRooms = ["Quarterdeck.Access", "Quarterdeck.Secrets", "Quarterdeck.Workers.Front", "Quarterdeck.Workers.Runtime", "Quarterdeck.Workers.Egress"];

    private static readonly string[] BannedEndings = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities", "Impl"];

    /// <summary>An upper floor may use a lower one, never back, and rooms of one floor don't see each other.</summary>
    public static IEnumerable<string> Floor(IEnumerable<Reference> references) =>
        from use in Between(references)
        let problem = FloorProblem(use.FromRoom, use.ToRoom)
        where problem is not null
        select $"{use.Reference.From} uses {use.Reference.To}: {problem}.";

    private static string? FloorProblem(string user, string used)
    {
        if (FloorOf(user) is not { } upper) return $"the room {user} has no floor: give it one in HouseRules and docs/house.md";
        if (FloorOf(used) is not { } lower) return $"the room {used} has no floor: give it one in HouseRules and docs/house.md";
        if (upper == lower) return $"{user} and {used} are on one floor and don't see each other: declare a seam in one of them, and let a room above fill it";
        return upper < lower ? $"{user} is below {used}: declare an interface in {user}, and let {used} implement it" : null;
    }

    /// <summary>A room's sub-folders are its own.</summary>
    public static IEnumerable<string> PrivateFolders(IEnumerable<Reference> references) =>
        from use in Between(references)
        let space = use.Reference.ToNamespace
        where use.ToRoom != "Web" && space != Root + use.ToRoom && !OpenFolders.Any(open => Within(space, open))
        select $"{use.Reference.From} uses {use.Reference.To}: {space} is private to the room {use.ToRoom}. Use its public surface, in namespace {Root}{use.ToRoom}, or widen that.";

    /// <summary>Console.Services knows ASP.NET only in a few rooms.</summary>
    public static IEnumerable<string> AspNet(IEnumerable<Reference> references) =>
        from use in references
        where use.To.StartsWith("Microsoft.AspNetCore.", StringComparison.Ordinal) && !AspNetRooms.Any(room => Within(use.FromNamespace, room))
        select $"{use.From} uses {use.To}: ASP.NET belongs to Console.Web (in Console.Services only {string.Join(", ", AspNetRooms)} may use it).";

    /// <summary>An assembly's types are used only inside a namespace, so that it can be exchanged.</summary>
    public static IEnumerable<string> Only(string assembly, string inside, IEnumerable<Reference> references) =>
        from use in references
        where (use.Assembly == assembly || use.Assembly.StartsWith(assembly + ".", StringComparison.Ordinal)) && !Within(use.FromNamespace, inside)
        select $"{use.From} uses {use.To} of {use.Assembly}: only {inside} may, so that {assembly} can be exchanged.";

    /// <summary>Programs are started through ProcessRunner, which empties the environment, logs, and ends them.</summary>
    public static IEnumerable<string> ProcessStart(IEnumerable<Reference> references) =>
        from use in references
        where use is { To: "System.Diagnostics.Process", Member: "Start" or ".ctor" } or { To: "System.Diagnostics.ProcessStartInfo" }
        where !Within(use.FromNamespace, "Quarterdeck.Platform.Processes")
        select $"{use.From} starts a process by itself: use Quarterdeck.Platform.Processes.ProcessRunner.";

    /// <summary>libvirt is called from one place only.</summary>
    public static IEnumerable<string> Libvirt(IEnumerable<NativeImport> imports) =>
        from import in imports
        where import.Library.Contains("virt", StringComparison.Ordinal) && !Within(Reference.NamespaceOf(import.Type), "Quarterdeck.Hosts.Libvirt")
        select $"{import.Type} imports {import.Function} from {import.Library}: only Quarterdeck.Hosts.Libvirt calls libvirt.";

    /// <summary>Names that say nothing about what a type does.</summary>
    public static IEnumerable<string> Names(IEnumerable<string> types) =>
        from type in types
        let ending = BannedEndings.FirstOrDefault(banned => type.EndsWith(banned, StringComparison.Ordinal))
        where ending is not null
        select $"{type}: '{ending}' says nothing; name it after what it does.";

    /// <summary>Routable components end in Page.</summary>
    public static IEnumerable<string> Pages(IEnumerable<(string Type, bool Routable)> components) =>
        from component in components
        where component.Routable != component.Type.EndsWith("Page", StringComparison.Ordinal)
        select component.Routable ? $"{component.Type} has a route: pages end in Page." : $"{component.Type} is called a page but has no route.";

    private static IEnumerable<(Reference Reference, string FromRoom, string ToRoom)> Between(IEnumerable<Reference> references) =>
        from reference in references
        let fromRoom = RoomOf(reference.FromNamespace)
        let toRoom = RoomOf(reference.ToNamespace)
        where fromRoom is not null && toRoom is not null && fromRoom != toRoom
        select (reference, fromRoom, toRoom);

    private static string? RoomOf(string space) => Within(space, "Quarterdeck") && space.Length > Root.Length ? space[Root.Length..].Split('.')[0] : null;

    private static int? FloorOf(string room) => Array.FindIndex(Floors, floor => floor.Contains(room)) is var index and >= 0 ? index : null;

    private static bool Within(string space, string outer) => space == outer || space.StartsWith(outer + ".", StringComparison.Ordinal);
}
