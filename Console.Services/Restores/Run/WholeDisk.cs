using System.Runtime.CompilerServices;
using Quarterdeck.Backups;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Disks;

namespace Quarterdeck.Restores.Run;

/// <summary>Writes a disk of a point into an empty image, from its first chunk to its last.</summary>
internal sealed class WholeDisk(ProcessRunner runner)
{
    /// <summary>Fills the image; durable when this returns. Chunks of zeroes are not written: an empty image has them.</summary>
    /// <exception cref="TransientException">The disk server ended, or the repository is away; the image is to be made anew.</exception>
    public async Task FillAsync(string path, string format, Repository repository, PointDisk disk, ChunkSpool spool, Transfer transfer, Action told, CancellationToken cancellation)
    {
        try
        {
            await using (var server = await DiskServer.OpenAsync(runner, path, format, flushes: false, cancellation))
                await PointSource.TryAsync(() => new DiskWriter(server.Client, disk.SizeBytes, spool, transfer).WriteAsync(DataAsync(repository, disk, cancellation), _ => told(), cancellation));
            Durable.Sync(path);
        }
        catch (NbdException e) when (e.Broken)
        {
            throw new TransientException($"The program that writes disk {disk.Target} ended unexpectedly. {e.Message}", e);
        }
        catch (NbdException e)
        {
            throw new ProblemException(Problem.Conflict("The disk cannot be written", $"Disk {disk.Target}, '{path}': {e.Message}"), e);
        }
    }

    private static async IAsyncEnumerable<(long, ChunkId)> DataAsync(Repository repository, PointDisk disk, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var (chunk, id) in repository.OpenIndex(disk.Root, disk.SizeBytes).DataAsync(cancellation)) yield return (chunk, id);
    }
}
