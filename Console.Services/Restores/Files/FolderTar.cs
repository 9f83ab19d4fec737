using System.Formats.Tar;
using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using Quarterdeck.Platform;

namespace Quarterdeck.Restores.Files;

/// <summary>Writes a folder of a recovery point as a tar archive while it is read.</summary>
/// <remarks>
/// What whoever unpacks it may rely on: every name is relative, below one folder, without <c>..</c>, and there once, so that nothing can be written through a link that the archive itself made.
/// Links stay links. What cannot be read, or is no file, folder or link, is left out and told in a last entry; a file that fails in the middle ends the download, which then is incomplete for all to see.
/// </remarks>
internal sealed partial class FolderTar(FileVm vm, GuestVolume volume, int most)
{
    /// <summary>The last entry, if anything was left out.</summary>
    public const string Report = "LEFT-OUT.txt";

    private const int Deepest = 128, MostLines = 10_000;
    private readonly List<string> _leftOut = [];
    private int _entries;

    /// <summary>Entries written.</summary>
    public int Entries => _entries;

    /// <summary>Writes it.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="name">What it is called in the archive.</param>
    /// <param name="target">Where to.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ProblemException">A file failed in the middle.</exception>
    public async Task WriteAsync(byte[] path, string name, Stream target, CancellationToken cancellation)
    {
        await using var tar = new TarWriter(target, TarEntryFormat.Pax, leaveOpen: true);
        var top = await vm.StatAsync(volume, path, cancellation);
        await WriteFolderAsync(tar, new Walk(path, SafeName(name), top, []), cancellation);
        if (_leftOut.Count == 0) return;
        var lines = string.Join('\n', _leftOut.Take(MostLines)) + (_leftOut.Count > MostLines ? $"\nand {_leftOut.Count - MostLines} more" : "") + "\n";
        await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, $"{SafeName(name)}.{Report}") { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(lines)) }, cancellation);
    }

    private async Task WriteFolderAsync(TarWriter tar, Walk at, CancellationToken cancellation)
    {
        await tar.WriteEntryAsync(With(new PaxTarEntry(TarEntryType.Directory, at.Name + "/"), at.Entry), cancellation);
        GuestFolder folder;
        try { folder = await vm.ListAsync(volume, at.Path, most, cancellation); }
        catch (ProblemException e) when (at.Above.Count > 0)
        {
            LeaveOut(at.Path, e.Problem.Detail);
            return;
        }
        if (folder.Damaged) LeaveOut(at.Path, "the folder is damaged, and may have had more entries");
        if (folder.More) LeaveOut(at.Path, $"the folder has more than {most} entries");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in folder.Entries)
        {
            cancellation.ThrowIfCancellationRequested();
            byte[] path = [.. at.Path.AsSpan().TrimEnd((byte)'/'), (byte)'/', .. entry.Name];
            var name = SafeName(Text(entry.Name));
            if (!seen.Add(name)) LeaveOut(path, "the folder has this name twice");
            else if (++_entries > most)
            {
                LeaveOut(at.Path, $"an archive has at most {most} entries (Quarterdeck:Restores:FileArchiveEntries); download its folders one by one");
                return;
            }
            else if (entry.Lost) LeaveOut(path, "its entry is damaged");
            else if (entry.Kind is EntryKind.Folder) await BelowAsync(tar, at, new Walk(path, $"{at.Name}/{name}", entry, [.. at.Above, at.Entry]), cancellation);
            else await WriteOneAsync(tar, entry, path, $"{at.Name}/{name}", cancellation);
        }
    }

    private async Task BelowAsync(TarWriter tar, Walk at, Walk folder, CancellationToken cancellation)
    {
        // A damaged or hostile file system can have a folder below itself.
        if (folder.Above.Exists(f => f.Inode == folder.Entry.Inode && f.Device == folder.Entry.Device && f.Inode != 0)) LeaveOut(folder.Path, "the folder contains itself");
        else if (folder.Above.Count > Deepest) LeaveOut(folder.Path, $"it is more than {Deepest} folders deep");
        else await WriteFolderAsync(tar, folder, cancellation);
    }

    private async Task WriteOneAsync(TarWriter tar, GuestEntry entry, byte[] path, string name, CancellationToken cancellation)
    {
        if (entry.Kind is EntryKind.Link)
        {
            if (entry.Target.Length == 0) LeaveOut(path, "the link is damaged");
            else await tar.WriteEntryAsync(With(new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = Text(entry.Target) }, entry), cancellation);
            return;
        }
        if (entry.Kind is not EntryKind.File)
        {
            LeaveOut(path, "it is a device, socket or pipe");
            return;
        }
        await using var content = new GuestFileStream(vm, volume, path, entry.SizeBytes, cancellation);
        try { await content.BeginAsync(); }
        catch (ProblemException e)
        {
            LeaveOut(path, e.Problem.Detail);
            return;
        }
        await tar.WriteEntryAsync(With(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = content }, entry), cancellation);
    }

    private void LeaveOut(byte[] path, string why) => _leftOut.Add($"{NameText.From(path)}: {why}");

    private static PaxTarEntry With(PaxTarEntry tar, GuestEntry entry)
    {
        tar.Mode = (UnixFileMode)entry.Mode;
        tar.ModificationTime = GuestTime.Of(entry.Modified);
        (tar.Uid, tar.Gid) = ((int)Math.Min(entry.Owner, int.MaxValue), (int)Math.Min(entry.Group, int.MaxValue));
        return tar;
    }

    // The name itself where it is plain text; else as pages show it: not every program takes a line's end in a name for a part of it.
    private static string Text(byte[] name) => Utf8.IsValid(name) && Encoding.UTF8.GetString(name) is var text && !text.Any(char.IsControl) ? text : NameText.From(name);

    // On Windows a backslash parts folders, and a letter with a colon names a drive: names that would lead away there are made harmless.
    private static string SafeName(string name) => Leads().IsMatch(name) ? name.Replace('\\', '_').Replace(':', '_') : name;

    [GeneratedRegex(@"(^|\\)\.\.(\\|$)|^[A-Za-z]:|^\\", RegexOptions.CultureInvariant)]
    private static partial Regex Leads();

    /// <summary>A folder on the way: its path, its name in the archive, itself, and those above.</summary>
    private sealed record Walk(byte[] Path, string Name, GuestEntry Entry, List<GuestEntry> Above);
}

/// <summary>Times as guests wrote them.</summary>
internal static class GuestTime
{
    private const long Latest = 253_402_300_799; // the last second of 9999

    /// <summary>Seconds since 1970, as far as calendars go.</summary>
    public static DateTimeOffset Of(long seconds) => DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(seconds, 0, Latest));
}
