using System.Buffers;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Disks;

namespace Quarterdeck.Restores.Run;

/// <summary>Writes a disk of a point into a new image, from its first chunk to its last.</summary>
internal sealed class WholeDisk
{
    private const int AtOnce = 8;
    private const int NoRoom = unchecked((int)0x80070070), LinuxNoRoom = 28;

    /// <summary>Fills the image; durable when this returns. Chunks of zeroes are not written.</summary>
    /// <param name="path">The file; what it holds is lost.</param>
    /// <param name="format"><c>qcow2</c> or <c>raw</c>.</param>
    /// <param name="repository">Has the chunks.</param>
    /// <param name="disk">What to write.</param>
    /// <param name="transfer">Counts.</param>
    /// <param name="told">Called as it goes on.</param>
    /// <param name="cancellation">Stops; the file is then no image.</param>
    /// <exception cref="TransientException">The repository is away; the image is to be made anew.</exception>
    /// <exception cref="ProblemException">A chunk is damaged, or there is no room.</exception>
    public async Task FillAsync(string path, string format, Repository repository, PointDisk disk, Transfer transfer, Action told, CancellationToken cancellation)
    {
        try
        {
            using var image = new NewImage(path, format, disk.SizeBytes);
            await PointSource.TryAsync(() => OwnThreads.ForEachAsync(repository.OpenIndex(disk.Root, disk.SizeBytes).DataAsync(cancellation), AtOnce, (item, stop) =>
            {
                var buffer = ArrayPool<byte>.Shared.Rent(Repository.ChunkSize);
                try
                {
                    repository.ReadAsync(item.Id, buffer.AsMemory(0, Repository.ChunkSize), stop).GetAwaiter().GetResult();
                    var offset = item.Chunk * Repository.ChunkSize;
                    var length = (int)Math.Min(Repository.ChunkSize, disk.SizeBytes - offset);
                    image.Write(offset, buffer.AsSpan(0, length));
                    transfer.AddSent(repository.StoredBytesOf(item.Id));
                    transfer.AddWritten(length, 1);
                    told();
                }
                finally { ArrayPool<byte>.Shared.Return(buffer); }
            }, cancellation));
            image.Finish();
        }
        catch (IOException e) when (e.HResult is NoRoom or LinuxNoRoom)
        {
            throw new ProblemException(Problem.Conflict("No room on the host", $"Disk {disk.Target} does not fit into '{Path.GetDirectoryName(path)}'. Free some room, then try again."), e);
        }
    }
}
