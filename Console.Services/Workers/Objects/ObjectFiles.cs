namespace Quarterdeck.Workers.Objects;

/// <summary>What objects take on the disk. Their files' names begin with 64 digits that the directory of objects knows.</summary>
internal static class ObjectFiles
{
    private const int Digits = 64;

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

    // A journal may go while it is looked at.
    private static long Length(FileInfo file)
    {
        try { return file.Length; }
        catch (FileNotFoundException) { return 0; }
    }
}
