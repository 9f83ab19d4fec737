using System.Text;
using Quarterdeck.Platform;

namespace Quarterdeck.Restores.Files;

/// <summary>Paths on a volume, from its root.</summary>
internal static class GuestPath
{
    private const int Longest = 4000;

    /// <summary>Reads a path as addresses spell it.</summary>
    public static Result<byte[]> Read(string? text)
    {
        const string example = "Send a path such as /etc/fstab.";
        if (text is not ['/', ..]) return Problem.Invalid("path", "It does not begin with a slash.", example);
        if (NameText.Parse(text) is not { } path) return Problem.Invalid("path", "A backslash in it is followed by neither another one nor xNN.", "Write a backslash as \\\\ and a byte as \\x0A.");
        if (path.Length > Longest) return Problem.Invalid("path", $"It has more than {Longest} bytes.", "Search for the name instead.");
        if (path.Contains((byte)0)) return Problem.Invalid("path", "It has a byte of zero.", example);
        foreach (var part in path.AsSpan().Split((byte)'/'))
            if (path.AsSpan(part).SequenceEqual("."u8) || path.AsSpan(part).SequenceEqual(".."u8)) return Problem.Invalid("path", "It has '.' or '..' in it.", example);
        return path;
    }

    /// <summary>An entry as it is shown.</summary>
    public static FolderEntry Shown(byte[] folder, GuestEntry entry)
    {
        byte[] path = [.. folder.AsSpan().TrimEnd((byte)'/'), (byte)'/', .. entry.Name];
        return new FolderEntry(
            NameText.From(entry.Name.AsSpan(entry.Name.AsSpan().LastIndexOf((byte)'/') + 1)), NameText.From(path), entry.Kind, entry.SizeBytes, GuestTime.Of(entry.Modified),
            "0" + Convert.ToString(entry.Mode, 8).PadLeft(3, '0'), entry.Owner, entry.Group, entry.Kind is EntryKind.Link ? NameText.From(entry.Target) : null);
    }

    /// <summary>A name that no file system and no header takes for something else.</summary>
    public static string Harmless(string name)
    {
        var plain = new StringBuilder(name.Length);
        foreach (var c in name) plain.Append(c is '/' or '\\' or ':' or '"' or '*' or '?' or '<' or '>' or '|' || char.IsControl(c) ? '_' : c);
        var kept = plain.ToString().Trim('.', ' ');
        return kept.Length > 0 ? kept[..Math.Min(kept.Length, 180)] : "files";
    }
}

/// <summary>The order of a folder's entries.</summary>
internal static class FolderOrder
{
    /// <summary>Folders first, then as wanted, by name where that is equal.</summary>
    public static IEnumerable<GuestEntry> Sorted(IEnumerable<GuestEntry> entries, string? sort)
    {
        var (field, down) = sort is ['-', .. var name] ? (name, true) : (sort ?? "name", false);
        var folders = entries.OrderByDescending(e => e.Kind is EntryKind.Folder);
        var wanted = (field, down) switch
        {
            ("size", false) => folders.ThenBy(e => e.SizeBytes),
            ("size", true) => folders.ThenByDescending(e => e.SizeBytes),
            ("modifiedAt", false) => folders.ThenBy(e => e.Modified),
            ("modifiedAt", true) => folders.ThenByDescending(e => e.Modified),
            (_, true) => folders.ThenByDescending(e => NameText.From(e.Name), StringComparer.OrdinalIgnoreCase),
            _ => folders,
        };
        return wanted.ThenBy(e => NameText.From(e.Name), StringComparer.OrdinalIgnoreCase).ThenBy(e => NameText.From(e.Name), StringComparer.Ordinal);
    }
}
