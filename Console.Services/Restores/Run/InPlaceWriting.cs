using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using Quarterdeck.Backups;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Disks;
using Quarterdeck.Restores.Journal;

namespace Quarterdeck.Restores.Run;

/// <summary>Writes the differences of a journal's disks, in whichever direction its phase says, and goes on where a crash left it.</summary>
internal sealed class InPlaceWriting(ProcessRunner runner, ImageTool images, IOptions<RestoresOptions> options)
{
    /// <summary>Makes all held disks what the phase wants. From time to time the disk is flushed, then the journal says so.</summary>
    /// <param name="journal">Saved already.</param>
    /// <param name="repository">Has both states.</param>
    /// <param name="spool">Where chunks come from.</param>
    /// <param name="transfer">Counts.</param>
    /// <param name="resumed">Whether someone may have been killed while writing.</param>
    /// <param name="told">Called as it goes on, with the chunks' bytes that are durable.</param>
    /// <param name="cancellation">Stops; the journal then says how far it came.</param>
    /// <returns>The journal with all disks whole; saved.</returns>
    /// <exception cref="TransientException">The disk server ended; going on may help.</exception>
    public async Task<RestoreJournal> ApplyAsync(RestoreJournal journal, Repository repository, ChunkSpool spool, Transfer transfer, bool resumed, Action told, CancellationToken cancellation)
    {
        foreach (var target in journal.Disks.Select(d => d.Target).ToArray())
        {
            var disk = journal.Disks.First(d => d.Target == target);
            if (resumed) await images.MendAsync(disk.Held, disk.Format, cancellation);
            await using (var server = await DiskServer.OpenAsync(runner, disk.Held, disk.Format, flushes: true, cancellation))
            {
                if (server.Client.Size != disk.SizeBytes)
                    throw new ProblemException(Problem.Conflict("A disk was resized", $"Disk {disk.Target} has {server.Client.Size} bytes, and had {disk.SizeBytes} when the restore began."));
                try
                {
                    await new DiskWriter(server.Client, disk.SizeBytes, spool, transfer, (long)options.Value.FlushMiB << 20).WriteAsync(DifferencesAsync(repository, journal.Phase, disk, cancellation), next =>
                    {
                        journal = journal.With(disk with { Written = next });
                        JournalFile.Save(journal);
                        told();
                    }, cancellation);
                }
                catch (NbdException e) when (e.Broken)
                {
                    throw new TransientException($"The program that writes disk {disk.Target} ended unexpectedly. {e.Message}", e);
                }
                catch (NbdException e)
                {
                    throw new ProblemException(Problem.Conflict("The disk cannot be written", $"Disk {disk.Target}, '{disk.Path}': {e.Message}"), e);
                }
            }
            journal = journal.With(disk with { Written = long.MaxValue });
            JournalFile.Save(journal);
        }
        return journal;
    }

    /// <summary>The chunks in which the two states of a disk differ, first the ones at its beginning.</summary>
    public static IAsyncEnumerable<ChunkDifference> CompareAsync(Repository repository, JournalDisk disk, bool back, CancellationToken cancellation)
    {
        DiskIndex common = Index(repository, disk.Common, disk.SizeBytes), point = Index(repository, disk.Point, disk.SizeBytes);
        return back ? repository.CompareAsync(point, common, cancellation) : repository.CompareAsync(common, point, cancellation);
    }

    private static async IAsyncEnumerable<(long, ChunkId)> DifferencesAsync(Repository repository, JournalPhase phase, JournalDisk disk, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (disk.Written == long.MaxValue) yield break;
        await foreach (var difference in CompareAsync(repository, disk, phase is JournalPhase.RollingBack, cancellation))
            if (difference.Chunk >= disk.Written) yield return (difference.Chunk, difference.To);
    }

    private static DiskIndex Index(Repository repository, string root, long sizeBytes) => repository.OpenIndex(new RootHash(ChunkId.Parse(root)), sizeBytes);
}
