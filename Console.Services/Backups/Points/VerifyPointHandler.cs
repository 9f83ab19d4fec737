using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Points;

/// <summary>Input of <c>recovery-point.verify</c>.</summary>
internal sealed record PointTarget(Guid PointId, Guid RepositoryId);

/// <summary><c>recovery-point.verify</c>: reads every chunk of a point, and checks it against its id.</summary>
internal sealed class VerifyPointHandler(RepositoryConnections repositories, PointStore points, TimeProvider time) : IOperationHandler
{
    public static readonly OperationKind Verify = new("recovery-point.verify", "Verify recovery point", BackupsPermissions.Run);

    private const int Readers = 8, NamedDamages = 5;

    /// <inheritdoc/>
    public OperationKind Kind => Verify;

    /// <inheritdoc/>
    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var (pointId, repositoryId) = operation.Input<PointTarget>();
        if (!(await repositories.OpenAsync(repositoryId, cancellation)).TryGet(out var repository, out var problem))
            throw problem.Kind == ProblemKind.Unavailable ? new TransientException(problem.Detail) : new ProblemException(problem);
        await using (repository)
        {
            var point = await repository.PointAsync(pointId, cancellation) ?? throw new ProblemException(Problem.NotFound("recovery point", pointId));
            var total = point.Disks.Sum(d => d.SizeBytes);
            var damages = new List<string>();
            long before = 0, bytes = 0;
            foreach (var disk in point.Disks)
            {
                bytes += await DiskAsync(repository, disk, damages, chunk => operation.Progress(before + Math.Min(chunk * Repository.ChunkSize, disk.SizeBytes), total, "bytes"), cancellation);
                before += disk.SizeBytes;
            }
            foreach (var file in point.Files) await FileAsync(repository, file, damages, cancellation);
            var now = time.GetUtcNow();
            var damage = damages.Count == 0 ? null : string.Join(' ', damages.Take(NamedDamages)) + (damages.Count > NamedDamages ? $" And {damages.Count - NamedDamages} more." : "");
            await repository.LabelPointAsync(pointId, labels => labels with { VerifiedAt = damage is null ? now : labels.VerifiedAt, Damage = damage }, cancellation);
            await points.PutAsync(repositoryId, [(await repository.PointAsync(pointId, cancellation))!], cancellation);
            if (damage is not null) throw new ProblemException(Problem.Conflict("The recovery point is damaged", $"{damage} It cannot be restored whole. The next backup reads the VM's disks whole and stores what is missing."));
            return new { recoveryPointId = pointId, repositoryId, readBytes = bytes };
        }
    }

    private static async Task<long> DiskAsync(Repository repository, PointDisk disk, List<string> damages, Action<long> reached, CancellationToken cancellation)
    {
        long bytes = 0;
        try
        {
            // Equal chunks need reading once only.
            var seen = new HashSet<ChunkId>();
            var wanted = repository.OpenIndex(disk.Root, disk.SizeBytes).DataAsync(cancellation);
            await Parallel.ForEachAsync(Distinct(wanted, seen), new ParallelOptions { MaxDegreeOfParallelism = Readers, CancellationToken = cancellation }, async (entry, stop) =>
            {
                var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(Repository.ChunkSize);
                try
                {
                    await repository.ReadAsync(entry.Id, buffer.AsMemory(0, Repository.ChunkSize), stop);
                    Interlocked.Add(ref bytes, Repository.ChunkSize);
                    reached(entry.Chunk);
                }
                catch (RepositoryException e) when (e.Fault == RepositoryFault.Damaged)
                {
                    lock (damages) damages.Add($"Disk {disk.Target} at {entry.Chunk * Repository.ChunkSize}: {e.Problem.Detail}");
                }
                finally
                {
                    System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
                }
            });
        }
        catch (RepositoryException e) when (e.Fault == RepositoryFault.Damaged)
        {
            damages.Add($"The index of disk {disk.Target}: {e.Problem.Detail}");
        }
        return bytes;
    }

    private static async Task FileAsync(Repository repository, PointFile file, List<string> damages, CancellationToken cancellation)
    {
        try { await repository.ReadFileAsync(file, cancellation); }
        catch (RepositoryException e) when (e.Fault == RepositoryFault.Damaged) { damages.Add($"The file '{file.Name}': {e.Problem.Detail}"); }
    }

    private static async IAsyncEnumerable<(long Chunk, ChunkId Id)> Distinct(IAsyncEnumerable<(long Chunk, ChunkId Id)> entries, HashSet<ChunkId> seen)
    {
        await foreach (var entry in entries)
            if (seen.Add(entry.Id)) yield return entry;
    }
}
