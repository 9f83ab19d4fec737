using System.Globalization;

namespace Quarterdeck.Workers.Objects;

/// <summary>What objects take on the disk. Their files' names begin with 64 digits that the directory of objects knows.</summary>
internal static class ObjectFiles
{
    private const int Digits = 64;
    private const string Aside = "removed-";

    /// <summary>How long the objects of a worker that the database does not know stay on the disk: it may be the wrong database, or an older copy of it.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(7);

    /// <summary>Bytes of all files of a worker's objects.</summary>
    public static long Bytes(string folder) => Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(Length) : 0;

    /// <summary>Bytes by object.</summary>
    public static IReadOnlyDictionary<string, long> ByObject(string folder)
    {
        var sizes = new Dictionary<string, long>();
        var objects = new DirectoryInfo(Path.Combine(folder, "objects"));
        if (!objects.Exists) return sizes;
        foreach (var file in objects.EnumerateFiles().Where(f => f.Name.Length > Digits))
            sizes[file.Name[..Digits]] = sizes.GetValueOrDefault(file.Name[..Digits]) + Length(file);
        return sizes;
    }

    /// <summary>Takes a folder out of use, to be deleted after <see cref="Kept"/>.</summary>
    public static void PutAside(string folder, DateTimeOffset now) =>
        Directory.Move(folder, Path.Combine(Path.GetDirectoryName(folder)!, string.Create(CultureInfo.InvariantCulture, $"{Aside}{Path.GetFileName(folder)}-{now.ToUnixTimeSeconds()}")));

    /// <summary>Deletes what was put aside long enough ago.</summary>
    public static void DeleteOld(string root, DateTimeOffset now)
    {
        foreach (var folder in Directory.EnumerateDirectories(root, Aside + "*"))
            if (long.TryParse(folder[(folder.LastIndexOf('-') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var since) && now - DateTimeOffset.FromUnixTimeSeconds(since) > Kept)
                Directory.Delete(folder, recursive: true);
    }

    // A journal may go while it is looked at.
    private static long Length(FileInfo file)
    {
        try { return file.Length; }
        catch (FileNotFoundException) { return 0; }
    }
}
