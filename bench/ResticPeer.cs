namespace Quarterdeck.Bench;

/// <summary>restic with a local repository of the same disk, restoring into the changed file.</summary>
internal sealed class ResticPeer
{
    private readonly string _program, _file;
    private readonly BenchDisk _disk;
    private readonly Dictionary<string, string> _environment;

    private ResticPeer(string program, string version, BenchDisk disk, string folder)
    {
        (_program, Version, _disk, _file) = (program, version, disk, Path.Combine(folder, "restic-target", "disk.raw"));
        _environment = new() { ["RESTIC_REPOSITORY"] = Path.Combine(folder, "restic"), ["RESTIC_PASSWORD"] = "bench", ["RESTIC_CACHE_DIR"] = Path.Combine(folder, "restic-cache"), ["HOME"] = folder };
    }

    /// <summary>Its name and version.</summary>
    public string Version { get; }

    /// <summary>Backs the disk up.</summary>
    public static async Task<ResticPeer> StartAsync(BenchDisk disk, string folder, CancellationToken cancellation)
    {
        var program = await Tools.ResticAsync(Path.Combine(folder, "restic-package"), cancellation);
        var version = (await Tools.RunAsync(program, ["version"], cancellation)).Output.Split(' ')[1];
        var peer = new ResticPeer(program, $"restic {version} in place", disk, folder);
        Directory.CreateDirectory(Path.GetDirectoryName(peer._file)!);
        await Tools.RunAsync("cp", ["--sparse=always", disk.Raw, peer._file], cancellation);
        await Tools.RunAsync(program, ["init", "-q"], cancellation, environment: peer._environment);
        await Tools.RunAsync(program, ["backup", "-q", peer._file], cancellation, environment: peer._environment);
        return peer;
    }

    /// <summary>Changes the file, and restores it; answers the seconds.</summary>
    public async Task<double> RestoreAsync(DiskChange change, CancellationToken cancellation)
    {
        await BenchDisk.ChangeAsync(_file, "raw", _disk.Places(change), cancellation);
        var seconds = (await Tools.RunAsync(_program, ["restore", "-q", "latest", "--target", "/"], cancellation, environment: _environment)).Seconds;
        await Tools.RunAsync("cmp", [_disk.Raw, _file], cancellation);
        return seconds;
    }
}
