using System.Buffers;
using System.Threading.Channels;
using Quarterdeck.Repositories.Chunks;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Packs;
using Quarterdeck.Repositories.Sessions;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>A point with something wrong.</summary>
internal sealed record AffectedPoint(Guid Id, string VmName, DateTimeOffset CreatedAt, string Damage);

/// <summary>What a verification found.</summary>
internal sealed record Verified(long ReadBytes, long Chunks, int DamagedChunks, int DamagedPacks, int Points, IReadOnlyList<AffectedPoint> Affected)
{
    /// <summary>In a sentence; null when all is well.</summary>
    public string? Damage => Affected.Count > 0
        ? $"{(Affected.Count == Points ? Points == 1 ? "Its only recovery point is" : $"All {Points} recovery points are" : $"{Affected.Count} of {Points} recovery points {(Affected.Count == 1 ? "is" : "are")}")} damaged: {string.Join(", ", Affected.Take(5).Select(p => $"{p.VmName} of {p.CreatedAt:yyyy-MM-dd HH:mm} UTC"))}{(Affected.Count > 5 ? " and others" : "")}.{(Affected.Count == Points ? " The" : " The other points are sound; the")} next backup of the same data stores it again."
        : null;
}

/// <summary>Reads every pack and hashes every chunk, then tells which points need what is damaged.</summary>
internal sealed class Verifier(Repository repository, TimeProvider time, Action<string> log, Action<long, long>? progress = null)
{
    private const int Ahead = 2;
    private readonly List<ChunkPlace> _bad = [];
    private long _chunks, _read;
    private int _packs;

    public async Task<Verified> RunAsync(CancellationToken cancellation)
    {
        if (await IndexRepair.RebuildAsync(repository, cancellation) is > 0 and var rebuilt) log($"{rebuilt} packs were in no index, and are now.");
        await repository.RefreshAsync(cancellation);
        var table = repository.Table;
        await ReadAllAsync(table, cancellation);
        await ReportAsync(cancellation);
        await repository.RefreshAsync(cancellation);

        var check = new TreeCheck(repository, repository.Table);
        var (points, unreadable) = await repository.Points.AllAsync(cancellation);
        var affected = new List<AffectedPoint>(unreadable.Select(u => new AffectedPoint(u.Id, "unknown", default, u.Why)));
        foreach (var point in points)
        {
            var damage = await check.DamageAsync(point, cancellation);
            if (damage is not null)
            {
                affected.Add(new AffectedPoint(point.Id, point.VmName, point.CreatedAt, damage));
                log($"The point {point.Id:D} of {point.VmName} is damaged. {damage}.");
            }
            await repository.LabelPointAsync(point.Id, labels => labels with { VerifiedAt = damage is null ? time.GetUtcNow() : labels.VerifiedAt, Damage = damage }, cancellation);
        }
        return new Verified(_read, _chunks, _bad.Count, _packs, points.Count + unreadable.Count, affected);
    }

    private async Task ReadAllAsync(ChunkTable table, CancellationToken cancellation)
    {
        var total = table.Present.Values.Sum();
        var packs = Channel.CreateBounded<(Guid Id, byte[] Bytes, int Size)>(Ahead);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var reading = Task.Run(async () =>
        {
            try
            {
                foreach (var (id, size) in table.Present.OrderBy(pack => pack.Key))
                {
                    var bytes = ArrayPool<byte>.Shared.Rent((int)Math.Max(1, size));
                    var read = await repository.Files.Store.ReadAsync(Names.Pack(id), 0, bytes.AsMemory(0, (int)size), stop.Token);
                    await packs.Writer.WriteAsync((id, bytes, read), stop.Token);
                }
                packs.Writer.Complete();
            }
            catch (Exception e) { packs.Writer.Complete(e); }
        }, CancellationToken.None);
        try
        {
            await Parallel.ForEachAsync(packs.Reader.ReadAllAsync(stop.Token), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = stop.Token }, (pack, c) =>
            {
                // -1: it went while this ran, by a collect.
                if (pack.Size >= 0) Check(pack.Id, pack.Bytes.AsSpan(0, pack.Size), c);
                ArrayPool<byte>.Shared.Return(pack.Bytes);
                progress?.Invoke(Interlocked.Add(ref _read, Math.Max(0, pack.Size)), total);
                return ValueTask.CompletedTask;
            });
        }
        finally
        {
            await stop.CancelAsync();
            await reading;
        }
    }

    private void Check(Guid pack, ReadOnlySpan<byte> bytes, CancellationToken cancellation)
    {
        var records = repository.Reader.Table(pack, bytes, out var sound);
        var content = ArrayPool<byte>.Shared.Rent(Repository.ChunkSize);
        var bad = new List<ChunkPlace>();
        foreach (var record in records ?? [])
        {
            cancellation.ThrowIfCancellationRequested();
            Interlocked.Increment(ref _chunks);
            var end = (long)record.Place.Offset + record.Place.Length;
            if (end > bytes.Length || repository.Files.Coder.Read(bytes.Slice(record.Place.Offset, record.Place.Length), record, repository.Reader.Key(pack), content) < 0) bad.Add(new ChunkPlace(pack, record.Place));
        }
        ArrayPool<byte>.Shared.Return(content);
        if (bad.Count == 0 && sound) return;
        lock (_bad)
        {
            _packs++;
            _bad.AddRange(bad);
        }
        log(records is null ? $"The pack {pack:N} is no pack of this repository any more." : $"The pack {pack:N} is damaged: {bad.Count} of {records.Count} records{(sound ? "" : ", and its table of contents")}.");
    }

    /// <summary>Writes down what is damaged, in place of earlier reports: everything was read anew.</summary>
    private async Task ReportAsync(CancellationToken cancellation)
    {
        var files = repository.Files;
        var earlier = await files.IdsAsync(Names.Damage, cancellation);
        if (_bad.Count > 0)
        {
            var report = new DamageReport(Guid.NewGuid(), _bad, time.GetUtcNow());
            await files.WriteAsync(Names.DamageReport(report.Id), report, cancellation);
        }
        if (!files.Config.AppendOnly)
            foreach (var id in earlier) await files.Store.DeleteAsync(Names.DamageReport(id), cancellation);
    }
}
