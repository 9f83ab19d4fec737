using System.Threading.Channels;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Capture;

/// <summary>What reading a disk came to.</summary>
/// <param name="Disk">For the point.</param>
/// <param name="Chunks">Chunks looked at.</param>
/// <param name="NewChunks">Chunks that the repository did not have.</param>
internal sealed record DiskRead(PointDisk Disk, long Chunks, long NewChunks);

/// <summary>Moves a disk's content into a repository: several readers, each with one piece of 1 MiB at a time.</summary>
internal sealed class DiskReading(Repository repository, ByteMeter meter, int readers)
{
    private const int ChunksAPiece = 16;
    private long _new;

    /// <summary>Reads what must be read and completes the disk's index.</summary>
    /// <exception cref="NbdException">The disk's server refused or went away.</exception>
    /// <exception cref="RepositoryException">The repository did.</exception>
    public async Task<DiskRead> ReadAsync(DiskExport export, CancellationToken cancellation)
    {
        try
        {
            return await ReadAsync(export, export.Plan.Since, cancellation);
        }
        catch (RepositoryException e) when (e.Fault == RepositoryFault.Damaged && export.Plan.Since is not null)
        {
            // The index of the last point cannot be built upon; the disk is still held at the same instant.
            return await ReadAsync(export, null, cancellation);
        }
    }

    private async Task<DiskRead> ReadAsync(DiskExport export, PointDisk? since, CancellationToken cancellation)
    {
        var changes = since is null ? null : export.ChangesContext;
        await using var disk = await NbdClient.ConnectAsync(export.Socket, export.Export, ChunkRanges.Contexts(changes), cancellation);
        var ranges = await ChunkRanges.AskAsync(disk, changes, since?.SizeBytes ?? 0, cancellation);
        meter.Expect(Bytes(ranges.Data, disk.Size));
        var index = repository.NewIndex(disk.Size, since is null ? null : repository.OpenIndex(since.Root, since.SizeBytes));
        if (since is not null)
            foreach (var range in ChunkRanges.Except(ranges.Looked, ranges.Data))
                for (var chunk = range.First; chunk < range.End; chunk++) index.Set(chunk, ChunkId.Zero);
        await MoveAsync(disk, ranges.Data, index, cancellation);
        var root = await index.CompleteAsync(cancellation);
        var of = export.Plan.Disk;
        var point = new PointDisk(of.Target, of.Path ?? "", of.Format, disk.Size, root) { ReadBytes = disk.BytesRead, Incremental = since is not null };
        return new DiskRead(point, ranges.Looked.Sum(r => r.Count), Interlocked.Exchange(ref _new, 0));
    }

    private async Task MoveAsync(NbdClient disk, IReadOnlyList<ChunkRange> data, DiskIndexWriter index, CancellationToken cancellation)
    {
        var pieces = Channel.CreateBounded<ChunkRange>(readers);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var tasks = Enumerable.Range(0, readers).Select(_ => Task.Run(() => ServeAsync(pieces.Reader, disk, index, stop.Token), CancellationToken.None)).ToList();
        tasks.Add(FeedAsync(pieces.Writer, data, stop.Token));
        Exception? failure = null;
        while (tasks.Count > 0)
        {
            var ended = await Task.WhenAny(tasks);
            tasks.Remove(ended);
            if (ended.IsCompletedSuccessfully) continue;
            failure ??= ended.Exception?.InnerException ?? new OperationCanceledException(cancellation);
            await stop.CancelAsync(); // buffers go back only when all have ended
        }
        cancellation.ThrowIfCancellationRequested();
        if (failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }

    private static async Task FeedAsync(ChannelWriter<ChunkRange> pieces, IReadOnlyList<ChunkRange> data, CancellationToken cancellation)
    {
        foreach (var range in data)
            for (var first = range.First; first < range.End; first += ChunksAPiece)
                await pieces.WriteAsync(new ChunkRange(first, Math.Min(first + ChunksAPiece, range.End)), cancellation);
        pieces.Complete();
    }

    private async Task ServeAsync(ChannelReader<ChunkRange> pieces, NbdClient disk, DiskIndexWriter index, CancellationToken cancellation)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(ChunksAPiece * Repository.ChunkSize);
        var puts = new List<Task<bool>>(ChunksAPiece);
        await foreach (var piece in pieces.ReadAllAsync(cancellation))
        {
            var offset = piece.First * Repository.ChunkSize;
            var length = (int)Math.Min(piece.Count * Repository.ChunkSize, disk.Size - offset);
            await meter.PaceAsync(length, cancellation);
            await disk.ReadAsync(offset, buffer.AsMemory(0, length), cancellation);
            buffer.AsSpan(length, (int)piece.Count * Repository.ChunkSize - length).Clear(); // the last chunk is filled up with zeros
            for (var i = 0; i < piece.Count; i++)
            {
                var chunk = buffer.AsMemory(i * Repository.ChunkSize, Repository.ChunkSize);
                var id = chunk.Span.ContainsAnyExcept((byte)0) ? repository.IdOf(chunk.Span) : ChunkId.Zero;
                index.Set(piece.First + i, id);
                if (!repository.IsKnown(id)) puts.Add(repository.PutAsync(id, chunk, cancellation));
            }
            foreach (var stored in await Task.WhenAll(puts))
                if (stored) Interlocked.Increment(ref _new);
            puts.Clear();
            meter.Add(length);
        }
    }

    private static long Bytes(IReadOnlyList<ChunkRange> ranges, long size) => ranges.Sum(r => Math.Min(r.End * Repository.ChunkSize, size) - r.First * Repository.ChunkSize);
}
