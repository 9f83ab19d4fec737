using System.Text;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Platform;
using Quarterdeck.Restores.Files;

namespace Quarterdeck.Restores;

/// <summary>Browses the file systems of recovery points and takes files out of them, through a throw-away VM that alone reads them.</summary>
public sealed class PointFiles
{
    private readonly OpenPoints _open;
    private readonly RecoveryPoints _points;
    private readonly Guard _guard;
    private readonly AuditLog _audit;
    private readonly RestoresOptions _options;

    internal PointFiles(OpenPoints open, RecoveryPoints points, Guard guard, AuditLog audit, IOptions<RestoresOptions> options) => (_open, _points, _guard, _audit, _options) = (open, points, guard, audit, options.Value);

    /// <summary>The fields that folders sort by.</summary>
    public static IReadOnlyList<string> Sorts { get; } = ["name", "size", "modifiedAt"];

    /// <summary>The volumes of a point; the first look starts the VM, which takes some seconds. Audited.</summary>
    /// <returns>Not found; Unavailable while the repository is away, the machine lacks what the VM is made of, or the VM did not start.</returns>
    public async Task<Result<PointVolumes>> VolumesAsync(Caller caller, Guid pointId, Guid? repositoryId, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, RestoresPermissions.Files, Target(pointId), cancellation) is { } refusal) return refusal;
        return await _open.UseAsync(pointId, repositoryId, async point =>
        {
            await _audit.WriteAsync(caller, "recovery-point.browse", Target(pointId), point.VmName, null, null, cancellation);
            return Result<PointVolumes>.From(new PointVolumes([.. point.Volumes.Select(Shown)], _options.FileIdleSeconds));
        }, cancellation);
    }

    /// <summary>A page of a folder. Sorts by <c>name</c>, <c>size</c> or <c>modifiedAt</c>, folders first; the search looks for a part of the name, in any case.</summary>
    /// <returns>Not found for a volume or folder; Conflict when the file system cannot be read, with the reason.</returns>
    public async Task<Result<FolderListing>> ListAsync(Caller caller, FolderQuery folder, PageQuery page, CancellationToken cancellation)
    {
        if (!(await PathAsync(caller, folder, cancellation)).TryGet(out var path, out var problem)) return problem;
        var search = page.Search is { Length: > 0 } text ? NameText.Parse(text) ?? Encoding.UTF8.GetBytes(text) : null;
        if (search is { Length: > 255 }) return Problem.Invalid("search", "It is longer than a name may be.", "Send at most 255 bytes.");
        return await _open.UseAsync(folder.PointId, folder.RepositoryId, async point =>
        {
            if (!point.Volume(folder.Volume).TryGet(out var volume, out var none)) return none;
            var found = search is null
                ? await point.ListAsync(volume, path, _options.FileListLimit, cancellation)
                : await point.Vm.FindAsync(volume, path, search, folder.Below, PageQuery.MaxSize, cancellation);
            var all = FolderOrder.Sorted(found.Entries, page.Sort).ToList();
            var items = all.Skip(page.Offset).Take(page.Size).Select(e => GuestPath.Shown(path, e)).ToList();
            return Result<FolderListing>.From(new FolderListing(items, all.Count, page.Number, page.Size, found.More, found.Damaged));
        }, cancellation);
    }

    /// <summary>Opens a file for download, or a folder as a tar archive; audited.</summary>
    /// <returns>Not found; Conflict for what is neither, or cannot be read.</returns>
    public async Task<Result<FileDownload>> DownloadAsync(Caller caller, FolderQuery place, CancellationToken cancellation)
    {
        if (!(await PathAsync(caller, place, cancellation)).TryGet(out var path, out var problem)) return problem;
        return await _open.UseAsync(place.PointId, place.RepositoryId, async point =>
        {
            if (!point.Volume(place.Volume).TryGet(out var volume, out var none)) return none;
            var entry = await point.Vm.StatAsync(volume, path, cancellation);
            if (entry.Lost || entry.Kind is not (EntryKind.File or EntryKind.Folder))
                return Problem.Conflict("It cannot be downloaded", $"'{NameText.From(path)}' is a link, a device, or damaged; only files and folders have content. Open what a link points to.");
            if (entry.Kind is EntryKind.File)
            {
                // A file that cannot be read says so now, while it can be said.
                await using var probe = new GuestFileStream(point.Vm, volume, path, Math.Min(entry.SizeBytes, 1), cancellation);
                await probe.BeginAsync();
            }
            await _audit.WriteAsync(caller, "recovery-point.download", Target(place.PointId), point.VmName, null, new { place.Volume, Path = NameText.From(path), entry.Kind, entry.SizeBytes }, cancellation);
            return Result<FileDownload>.From(entry.Kind is EntryKind.File
                ? new FileDownload(FileName(entry.Name), entry.SizeBytes, GuestTime.Of(entry.Modified), (to, c) => SendFileAsync(place, path, entry.SizeBytes, to, c))
                : new FileDownload(ArchiveName(place, entry) + ".tar", null, GuestTime.Of(entry.Modified), (to, c) => SendFolderAsync(place, path, ArchiveName(place, entry), to, c)));
        }, cancellation);
    }

    /// <summary>Closes what was opened for a point, at once.</summary>
    public async Task<Result<Done>> CloseAsync(Caller caller, Guid pointId, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, RestoresPermissions.Files, Target(pointId), cancellation) is { } refusal) return refusal;
        if (await _points.FindAsync(pointId, cancellation) is null) return Problem.NotFound("recovery point", pointId);
        await _open.CloseAsync(pointId);
        return Done.It;
    }

    // Answered before the VM is started: permission, then the point, then what was sent.
    private async Task<Result<byte[]>> PathAsync(Caller caller, FolderQuery query, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, RestoresPermissions.Files, Target(query.PointId), cancellation) is { } refusal) return refusal;
        if (await _points.FindAsync(query.PointId, cancellation) is null) return Problem.NotFound("recovery point", query.PointId);
        return query.Volume.Length == 0 ? Problem.Invalid("volume", "It is missing.", "Send the id of a volume that GET /recovery-points/{id}/volumes lists.") : GuestPath.Read(query.Path);
    }

    private Task SendFileAsync(FolderQuery place, byte[] path, long size, Stream target, CancellationToken cancellation) => SendAsync(place, async (point, volume) =>
    {
        await using var content = new GuestFileStream(point.Vm, volume, path, size, cancellation);
        await content.CopyToAsync(target, FileVmChannel.Block, cancellation);
    }, cancellation);

    private Task SendFolderAsync(FolderQuery place, byte[] path, string name, Stream target, CancellationToken cancellation) =>
        SendAsync(place, (point, volume) => new FolderTar(point.Vm, volume, _options.FileArchiveEntries).WriteAsync(path, name, target, cancellation), cancellation);

    private async Task SendAsync(FolderQuery place, Func<OpenPoint, GuestVolume, Task> send, CancellationToken cancellation)
    {
        var sent = await _open.UseAsync(place.PointId, place.RepositoryId, async point =>
        {
            if (!point.Volume(place.Volume).TryGet(out var volume, out var none)) return none;
            await send(point, volume);
            return Result<Done>.From(Done.It);
        }, cancellation);
        if (sent.Problem is { } problem) throw new ProblemException(problem);
    }

    private static string Target(Guid pointId) => $"recovery-point:{pointId}";

    private static PointVolume Shown(GuestVolume volume) => new(
        volume.Id, volume.Disk.Length > 0 ? volume.Disk : null, volume.Type.Length > 0 ? volume.Type : null, volume.Label.Length > 0 ? volume.Label : null, volume.SizeBytes,
        GuestErrors.Unreadable(volume) is null, GuestErrors.Unreadable(volume));

    private static string FileName(byte[] name) => GuestPath.Harmless(NameText.From(name));

    private static string ArchiveName(FolderQuery place, GuestEntry folder) => GuestPath.Harmless(folder.Name.Length > 0 ? NameText.From(folder.Name) : place.Volume);
}
