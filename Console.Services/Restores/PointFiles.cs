using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Restores;

/// <summary>Browses the file systems of recovery points and takes files out of them, through a throw-away VM that alone reads them.</summary>
public sealed class PointFiles
{
    /// <summary>The volumes of a point; the first look starts the VM, which takes some seconds.</summary>
    /// <returns>Not found; Unavailable while the repository is away, the machine lacks what the VM is made of, or the VM did not start.</returns>
    public Task<Result<PointVolumes>> VolumesAsync(Caller caller, Guid pointId, Guid? repositoryId, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>A page of a folder. Sorts by <c>name</c>, <c>size</c> or <c>modifiedAt</c>; the search looks for a part of the name, in any case.</summary>
    /// <returns>Not found for a volume or folder; Conflict when the file system cannot be read, with the reason.</returns>
    public Task<Result<FolderListing>> ListAsync(Caller caller, FolderQuery folder, PageQuery page, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Opens a file for download, or a folder as a tar archive; audited.</summary>
    /// <returns>Not found; Conflict for what is neither, or cannot be read.</returns>
    public Task<Result<FileDownload>> DownloadAsync(Caller caller, FolderQuery place, CancellationToken cancellation) => throw new NotSupportedException();

    /// <summary>Closes what was opened for a point, at once.</summary>
    public Task<Result<Done>> CloseAsync(Caller caller, Guid pointId, CancellationToken cancellation) => throw new NotSupportedException();
}

/// <summary>A download that is ready to be sent.</summary>
public sealed class FileDownload
{
    private readonly Func<Stream, CancellationToken, Task> _send;

    internal FileDownload(string name, long? length, DateTimeOffset modifiedAt, Func<Stream, CancellationToken, Task> send) => (Name, Length, ModifiedAt, _send) = (name, length, modifiedAt, send);

    /// <summary>What the file should be called; never a path.</summary>
    public string Name { get; }

    /// <summary>Bytes; null for an archive, which is made while it is sent.</summary>
    public long? Length { get; }

    /// <summary>When the file was last changed.</summary>
    public DateTimeOffset ModifiedAt { get; }

    /// <summary>Sends it.</summary>
    /// <exception cref="ProblemException">Reading failed midway; what was sent is incomplete.</exception>
    public Task SendAsync(Stream target, CancellationToken cancellation) => _send(target, cancellation);
}
