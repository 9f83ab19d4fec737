namespace Quarterdeck.Tests.Support;

/// <summary>A file system of so many MiB of its own, which can be filled, made read-only and taken away; needs root.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("qd-disk-");
    private bool _mounted;

    private SmallDisk() { }

    public string Folder => _folder.FullName;

    public static async Task<SmallDisk> MountAsync(int mebibytes)
    {
        var disk = new SmallDisk();
        await SystemLibvirt.RunAsync("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m,mode=0755", "tmpfs", disk.Folder);
        disk._mounted = true;
        return disk;
    }

    /// <summary><c>ro</c> or <c>rw</c>.</summary>
    public Task RemountAsync(string how) => SystemLibvirt.RunAsync("mount", "-o", $"remount,{how}", Folder);

    /// <summary>Takes it away under whoever uses it, as a share that is unmounted.</summary>
    public async Task TakeAwayAsync()
    {
        await SystemLibvirt.RunAsync("umount", "--lazy", Folder);
        _mounted = false;
    }

    /// <summary>Leaves no byte free.</summary>
    public void Fill()
    {
        using var file = File.OpenHandle(Path.Combine(Folder, "filler"), FileMode.Create, FileAccess.Write);
        var piece = new byte[4096];
        try { for (var at = 0L; ; at += piece.Length) RandomAccess.Write(file, piece, at); }
        catch (IOException) { /* that is what is wanted */ }
    }

    /// <summary>Gives the room back.</summary>
    public void MakeRoom() => File.Delete(Path.Combine(Folder, "filler"));

    public async ValueTask DisposeAsync()
    {
        if (_mounted) await SystemLibvirt.RunAsync("umount", "--lazy", Folder);
        _folder.Delete(recursive: true);
    }
}
