using Quarterdeck.Operations;

namespace Quarterdeck.Web.Operations;

/// <summary>Where the objects that operations are about have their pages, and what their kinds are called.</summary>
internal static class OperationTargets
{
    private static readonly Dictionary<string, (string Path, string Word)> Kinds = new(StringComparer.Ordinal)
    {
        ["vm"] = ("vms", "virtual machines"), ["host"] = ("hosts", "hosts"), ["plugin"] = ("plugins", "plug-ins"), ["appliance"] = ("plugins", "appliances"),
        ["recovery-point"] = ("recovery-points", "recovery points"),
    };

    /// <summary>The choices of the filter.</summary>
    public static IReadOnlyList<(string Value, string Text)> Options => [.. Kinds.Select(k => (k.Key, k.Value.Word))];

    /// <summary>The object's page; null when it has none, or does not exist (any more).</summary>
    public static string? Href(OperationInfo operation)
    {
        var (kind, id) = Split(operation.Target);
        // A target that was named before it existed, or was deleted by this operation, leads nowhere.
        if (!Guid.TryParse(id, out _) || !Kinds.TryGetValue(kind, out var known) || kind == "appliance") return null;
        return operation.Kind.EndsWith(".delete", StringComparison.Ordinal) && operation.State is OperationState.Succeeded ? null : $"{known.Path}/{id}";
    }

    private static (string Kind, string Id) Split(string target) => target.IndexOf(':', StringComparison.Ordinal) is var at and > 0 ? (target[..at], target[(at + 1)..]) : (target, "");
}
