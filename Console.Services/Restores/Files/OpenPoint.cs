using System.Collections.Concurrent;
using Quarterdeck.Platform;

namespace Quarterdeck.Restores.Files;

/// <summary>A recovery point whose disks a file VM reads now.</summary>
internal sealed class OpenPoint(FileVm vm, Task ended, IReadOnlyList<GuestVolume> volumes, IReadOnlyList<PointExport> exports, string vmName) : IAsyncDisposable
{
    private const int KeptListings = 8;
    private readonly ConcurrentDictionary<(string Volume, string Path), GuestFolder> _listings = [];

    /// <summary>Answers about its files.</summary>
    public FileVm Vm => vm;

    /// <summary>Completes when the file VM is gone.</summary>
    public Task Ended => ended;

    /// <summary>Its volumes.</summary>
    public IReadOnlyList<GuestVolume> Volumes => volumes;

    /// <summary>The name of the VM that the point is of.</summary>
    public string VmName => vmName;

    /// <summary>A volume by its id.</summary>
    public Result<GuestVolume> Volume(string id)
    {
        if (volumes.FirstOrDefault(v => v.Id == id) is not { } volume) return Problem.NotFound("volume", id);
        return GuestErrors.Unreadable(volume) is { } why ? Problem.Conflict("The volume cannot be browsed", $"'{id}': {why}") : volume;
    }

    /// <summary>A folder; the last ones are remembered, since nothing in a recovery point changes.</summary>
    public async Task<GuestFolder> ListAsync(GuestVolume volume, byte[] path, int most, CancellationToken cancellation)
    {
        var key = (volume.Id, NameText.From(path));
        if (_listings.TryGetValue(key, out var known)) return known;
        var folder = await vm.ListAsync(volume, path, most, cancellation);
        if (_listings.Count >= KeptListings) _listings.Clear();
        return _listings[key] = folder;
    }

    public async ValueTask DisposeAsync()
    {
        await vm.DisposeAsync();
        foreach (var export in exports) await export.DisposeAsync();
    }
}
