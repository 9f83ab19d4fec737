using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Projects;

/// <summary>Opens an archive of a project folder: zip, tar, or tar with gzip. Links and devices are passed over, paths out of it refused, sizes counted as they come out.</summary>
internal static class ProjectArchive
{
    private const int MostFiles = 50_000;
    private const string Field = "archive";

    public static async Task<Result<IReadOnlyList<UploadedFile>>> OpenAsync(ReadOnlyMemory<byte> archive, long mostBytes, CancellationToken cancellation)
    {
        var files = new List<UploadedFile>();
        try
        {
            var stream = MemoryMarshal.TryGetArray(archive, out var bytes) ? new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false) : new MemoryStream(archive.ToArray(), writable: false);
            var problem = archive.Span switch
            {
                [(byte)'P', (byte)'K', ..] => Zip(stream, files, mostBytes),
                [0x1f, 0x8b, ..] => await TarAsync(new GZipStream(stream, CompressionMode.Decompress), files, mostBytes, cancellation),
                { Length: >= 512 } => await TarAsync(stream, files, mostBytes, cancellation),
                _ => Unknown,
            };
            return problem is not null ? problem : files.Count == 0 ? Problem.Invalid(Field, "There is no file in it.", "Pack the project folder, with its wrangler.toml.") : files;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException or IOException or NotSupportedException) { return Unknown; }
    }

    /// <summary>Whether a file of a project means anything here: caches, histories and secrets of a developer's machine don't.</summary>
    public static bool Matters(string path) => !path.Split('/').Any(s => s is ".git" or ".wrangler" or ".cache" or ".DS_Store" or ".bin") && Path.GetFileName(path) is not (".dev.vars" or ".env");

    private static Problem Unknown => Problem.Invalid(Field, "It is no zip, tar or tar.gz, or is damaged.", "Pack the project folder with zip or tar.");

    private static Problem? Zip(Stream stream, List<UploadedFile> files, long most)
    {
        using var zip = new ZipArchive(stream, ZipArchiveMode.Read);
        if (zip.Entries.Count > MostFiles) return TooMany;
        var left = most;
        foreach (var entry in zip.Entries)
        {
            if (entry.FullName.EndsWith('/')) continue;
            using var content = entry.Open();
            if (Take(entry.FullName, content, files, ref left) is { } problem) return problem;
        }
        return null;
    }

    private static async Task<Problem?> TarAsync(Stream stream, List<UploadedFile> files, long most, CancellationToken cancellation)
    {
        await using var tar = new TarReader(stream);
        var left = most;
        var seen = 0;
        while (await tar.GetNextEntryAsync(copyData: false, cancellation) is { } entry)
        {
            if (++seen > MostFiles) return TooMany;
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || entry.DataStream is null) continue;
            if (Take(entry.Name, entry.DataStream, files, ref left) is { } problem) return problem;
        }
        return null;
    }

    private static Problem? Take(string name, Stream content, List<UploadedFile> files, ref long left)
    {
        if (Registry.ModuleCheck.Normal(name) is not { } path) return Problem.Invalid(Field, $"The file '{(name.Length > 80 ? name[..80] : name)}' leaves the folder or has characters that no path has.", "Pack the folder itself, without absolute paths or '..'.");
        if (!Matters(path)) return null;
        using var bytes = new MemoryStream();
        var buffer = new byte[64 << 10];
        for (int read; (read = content.Read(buffer)) > 0; bytes.Write(buffer, 0, read))
            if ((left -= read) < 0) return Problem.TooLarge("The files in the archive are larger than an upload may be. An administrator can raise Quarterdeck:Workers:UploadBytes.");
        files.Add(new UploadedFile(path, bytes.ToArray()));
        return null;
    }

    private static Problem TooMany => Problem.Invalid(Field, $"There are more than {MostFiles} files in it.", "Leave out what the worker does not import.");
}
