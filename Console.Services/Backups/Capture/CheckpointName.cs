using System.Xml.Linq;

namespace Quarterdeck.Backups.Capture;

/// <summary>The console's checkpoints are named after the recovery point since which they track changes; so are the bitmaps in the disks.</summary>
/// <remarks>That name is all that is remembered: whether it can be used is decided by what the disks and the repository hold, not by a note of ours that may be wrong after a crash.</remarks>
internal static class CheckpointName
{
    private const string Prefix = "quarterdeck-";

    /// <summary>The name for a point.</summary>
    public static string Of(Guid point) => Prefix + point.ToString("N");

    /// <summary>Whether it is one of the console's.</summary>
    public static bool IsOurs(string name) => PointOf(name) is not null;

    /// <summary>The point of a name; null when the name is somebody else's.</summary>
    public static Guid? PointOf(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && Guid.TryParseExact(name.AsSpan(Prefix.Length), "N", out var point) ? point : null;

    /// <summary>Describes a checkpoint of some of a domain's disks.</summary>
    public static XElement Describe(string name, IEnumerable<DomainDisk> all, Func<DomainDisk, bool> tracked) =>
        new("domaincheckpoint",
            new XElement("name", name),
            new XElement("description", "Changes since a recovery point of Quarterdeck. Deleting it makes the next backup read everything."),
            new XElement("disks", all.Select(d => new XElement("disk", new XAttribute("name", d.Target), new XAttribute("checkpoint", tracked(d) ? "bitmap" : "no")))));
}
