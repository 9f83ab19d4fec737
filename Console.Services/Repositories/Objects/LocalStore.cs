using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace Quarterdeck.Repositories.Objects;

/// <summary>Objects as files below a folder: written aside, synced, then renamed into place.</summary>
internal sealed partial class LocalStore(string root) : IObjectStore
{
    private const int OpenFiles = 64;
    private readonly ConcurrentDictionary<string, SafeFileHandle> _open = [];

    public string Location => root;

    public string PathOf(string name) => Path.Combine(root, name);

    public Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation) =>
        Faults.OfFileAsync(root, async () =>
        {
            var aside = await AsideAsync(content, cancellation);
            try { File.Move(aside, Place(name), overwrite: true); }
            catch { File.Delete(aside); throw; }
            Libc.SyncFolder(Path.GetDirectoryName(PathOf(name))!);
            return true;
        });

    public Task<bool> CreateAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation) =>
        Faults.OfFileAsync(root, async () =>
        {
            if (File.Exists(PathOf(name))) return false;
            var aside = await AsideAsync(content, cancellation);
            // Without overwriting, this links and then unlinks: of two that create one name, one wins.
            try { File.Move(aside, Place(name), overwrite: false); }
            catch (IOException) when (File.Exists(PathOf(name))) { File.Delete(aside); return false; }
            catch { File.Delete(aside); throw; }
            Libc.SyncFolder(Path.GetDirectoryName(PathOf(name))!);
            return true;
        });

    private async Task<string> AsideAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        try { return await WriteAsideAsync(content, cancellation); }
        catch (IOException e) when (Faults.IsFull(e) && GiveReserve()) { return await WriteAsideAsync(content, cancellation); }
    }

    private async Task<string> WriteAsideAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        // A missing root is a disk that is not mounted: never make it anew in its place.
        if (!Directory.Exists(root)) throw new DirectoryNotFoundException($"{root} is not there.");
        var folder = Directory.CreateDirectory(PathOf(Names.Aside)).FullName;
        var path = Path.Combine(folder, Guid.NewGuid().ToString("N"));
        try
        {
            using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
            await RandomAccess.WriteAsync(file, content, 0, cancellation);
            RandomAccess.FlushToDisk(file);
            return path;
        }
        catch { File.Delete(path); throw; }
    }

    private string Place(string name)
    {
        var path = PathOf(name);
        var folder = Path.GetDirectoryName(path)!;
        if (Directory.Exists(folder)) return path;
        Directory.CreateDirectory(folder);
        Libc.SyncFolder(Path.GetDirectoryName(folder)!);
        return path;
    }

    public Task<byte[]?> ReadAsync(string name, CancellationToken cancellation) =>
        Faults.OfFileAsync<byte[]?>(root, async () =>
        {
            try { return await File.ReadAllBytesAsync(PathOf(name), cancellation); }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException && Directory.Exists(root)) { return null; }
        });

    public Task<int> ReadAsync(string name, long offset, Memory<byte> into, CancellationToken cancellation) =>
        Faults.OfFileAsync(root, async () =>
        {
            if (Handle(name) is not { } file) return -1;
            var done = 0;
            while (done < into.Length)
            {
                // Who comes on a thread of their own waits on it: handing each chunk to the pool and back costs more than reading it.
                var read = Thread.CurrentThread.IsThreadPoolThread ? await RandomAccess.ReadAsync(file, into[done..], offset + done, cancellation) : RandomAccess.Read(file, into.Span[done..], offset + done);
                if (read == 0) break;
                done += read;
            }
            return done;
        });

    /// <summary>Packs never change under their name, so that an open one stays right; a removed one stays readable for whoever has it open.</summary>
    private SafeFileHandle? Handle(string name)
    {
        if (_open.TryGetValue(name, out var known)) return known;
        SafeFileHandle opened;
        try { opened = File.OpenHandle(PathOf(name)); }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException && Directory.Exists(root)) { return null; }
        // Beyond the limit the finaliser closes it: another reader may be using it at this moment.
        foreach (var old in _open.Keys.Take(Math.Max(0, _open.Count - OpenFiles + 1))) _open.TryRemove(old, out _);
        return _open.GetOrAdd(name, opened);
    }

    public async IAsyncEnumerable<ObjectEntry> ListAsync(string folder, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var entries = await Faults.OfFileAsync(root, () => Task.Run(() => List(folder).ToList(), cancellation));
        foreach (var entry in entries) yield return entry;
    }

    private IEnumerable<ObjectEntry> List(string folder)
    {
        if (!Directory.Exists(root)) throw new DirectoryNotFoundException($"{root} is not there.");
        var path = new DirectoryInfo(PathOf(folder));
        if (!path.Exists) yield break;
        foreach (var file in path.EnumerateFiles("*", SearchOption.AllDirectories))
        {
            long size;
            try { size = file.Length; }
            catch (FileNotFoundException) { continue; }
            yield return new ObjectEntry(Path.GetRelativePath(root, file.FullName), size);
        }
    }

    public Task DeleteAsync(string name, CancellationToken cancellation) =>
        Faults.OfFileAsync(root, () =>
        {
            _open.TryRemove(name, out _);
            var path = PathOf(name);
            if (!File.Exists(path)) return Task.FromResult(true);
            File.Delete(path);
            Libc.SyncFolder(Path.GetDirectoryName(path)!);
            return Task.FromResult(true);
        });

    public ValueTask DisposeAsync()
    {
        foreach (var file in _open.Values) file.Dispose();
        _open.Clear();
        return ValueTask.CompletedTask;
    }
}
