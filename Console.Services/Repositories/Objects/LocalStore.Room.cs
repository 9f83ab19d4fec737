namespace Quarterdeck.Repositories.Objects;

/// <summary>Room on a disk that may be full: a file that is given up when nothing else is left, and the remains of writers that died.</summary>
internal sealed partial class LocalStore
{
    private const string Reserve = Names.Aside + "/reserve";
    private const long LeastReserve = 1 << 20, MostReserve = 64 << 20;
    private const int PartOfDisk = 200, FreeBesides = 4;
    private static readonly TimeSpan Dead = TimeSpan.FromDays(1);
    private bool _mayUseReserve;

    public void KeepReserve()
    {
        var path = PathOf(Reserve);
        if (File.Exists(path) || !Directory.Exists(root)) return;
        try
        {
            var disk = new DriveInfo(root);
            var size = Math.Clamp(disk.TotalSize / PartOfDisk, LeastReserve, MostReserve);
            if (disk.AvailableFreeSpace < size * FreeBesides) return;
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, preallocationSize: size);
        }
        // Somebody else makes it at this moment, or it is not to be had: then there is none.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }

    public void UseReserve() => _mayUseReserve = true;

    private bool GiveReserve()
    {
        if (!_mayUseReserve || !File.Exists(PathOf(Reserve))) return false;
        File.Delete(PathOf(Reserve));
        return true;
    }

    public Task<long> TidyAsync(CancellationToken cancellation) =>
        Faults.OfFileAsync(root, () =>
        {
            long freed = 0;
            var folder = new DirectoryInfo(PathOf(Names.Aside));
            if (!folder.Exists) return Task.FromResult(freed);
            // A share's times are those of its server: its own clock says what is old.
            var probe = Path.Combine(folder.FullName, Guid.NewGuid().ToString("N"));
            File.WriteAllBytes(probe, []);
            var now = File.GetLastWriteTimeUtc(probe);
            File.Delete(probe);
            foreach (var file in folder.EnumerateFiles().Where(f => f.FullName != PathOf(Reserve) && now - f.LastWriteTimeUtc > Dead))
            {
                cancellation.ThrowIfCancellationRequested();
                freed += file.Length;
                file.Delete();
            }
            return Task.FromResult(freed);
        });
}
