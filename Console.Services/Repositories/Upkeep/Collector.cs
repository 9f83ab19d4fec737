using Quarterdeck.Repositories.Chunks;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Packs;
using Quarterdeck.Repositories.Sessions;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>What a collect did.</summary>
/// <param name="FreedBytes">Bytes of packs that were removed, less what was written to keep what they held.</param>
/// <param name="RemovedPacks">Packs that are gone.</param>
/// <param name="RewrittenPacks">Packs whose live content was moved.</param>
/// <param name="WaitingPacks">Packs that go with a later collect, when the sessions that are open now have ended.</param>
/// <param name="WaitsFor">How many such sessions there are.</param>
internal sealed record Collected(long FreedBytes, int RemovedPacks, int RewrittenPacks, int WaitingPacks, int WaitsFor);

/// <summary>Frees what no point needs, in two steps: packs are condemned first, and removed when every session that was open then has ended.</summary>
/// <remarks>docs/formats/backup-repository.md has the proof that nothing which a point needs is ever removed.</remarks>
internal sealed class Collector(Repository repository, TimeProvider time, Action<string> log, Action<long, long>? progress = null)
{
    private const double WorthMoving = 0.5;
    private const int FewSmall = 8;
    private readonly SessionWatch _watch = new(repository.Files, repository.SessionId, time);
    private long _moved;

    public async Task<Collected> RunAsync(CancellationToken cancellation)
    {
        repository.Files.ThrowIfAppendOnly("Collecting");
        await using var alone = await CollectLock.TakeAsync(repository.Files, repository.SessionId, _watch, cancellation);
        if (await repository.Files.Store.TidyAsync(cancellation) is > 0 and var left) log($"{left} bytes that consoles which died had left unfinished were removed.");
        await repository.RefreshAsync(cancellation);
        if (await IndexRepair.RebuildAsync(repository, cancellation) is > 0 and var rebuilt) log($"{rebuilt} packs were in no index, and are now.");

        // Witnesses are asked before points are listed: whatever they relied on is in a point by then, or never will be.
        var (ready, waiting) = await SortAsync(cancellation);
        var marking = await MarkAsync(cancellation);
        long freed = 0;
        var removed = 0;
        foreach (var condemnation in ready)
        {
            freed += await SweepAsync(condemnation, marking, alone, cancellation);
            removed += condemnation.Packs.Count;
        }
        if (ready.Count > 0) marking = await MarkAsync(cancellation);

        var plan = Plan(marking);
        // What nobody needs goes first: moving the rest takes room, which a full disk has only then.
        await DropAsync(plan.Dead);
        var rewritten = 0;
        try
        {
            await MoveAsync(plan.Move, marking, cancellation);
            await DropAsync(plan.Move);
            rewritten = plan.Move.Count;
        }
        catch (RepositoryException e) when (e.Fault is RepositoryFault.Full && removed > 0) { log($"{plan.Move.Count} packs that are partly in use go with a later collect: {e.Problem.Detail}"); }
        var result = new Collected(freed - _moved, removed, rewritten, waiting.Sum(c => c.Packs.Count), waiting.SelectMany(c => c.Witnesses ?? []).Select(w => w.Session).Distinct().Count());
        if (result.WaitsFor > 0) log($"{result.WaitingPacks} packs are condemned and go with a later collect: {result.WaitsFor} sessions that may need them are open.");
        return result;

        async Task DropAsync(IReadOnlyList<Guid> packs)
        {
            if (packs.Count == 0) return;
            var condemnation = await CondemnAsync(packs, cancellation);
            if (condemnation.Witnesses is { Count: > 0 })
            {
                waiting.Add(condemnation);
                return;
            }
            await repository.RefreshAsync(cancellation);
            var late = new Marking(repository, repository.Table);
            foreach (var point in await PointsAsync(cancellation))
                if (!marking.Points.Contains(point.Id)) await late.AddAsync(point, cancellation);
            freed += await SweepAsync(condemnation, late, alone, cancellation);
            removed += condemnation.Packs.Count;
        }
    }

    private async Task<(List<Condemnation> Ready, List<Condemnation> Waiting)> SortAsync(CancellationToken cancellation)
    {
        var (ready, waiting) = (new List<Condemnation>(), new List<Condemnation>());
        foreach (var id in await repository.Files.IdsAsync(Names.Condemned, cancellation))
        {
            if (await repository.Files.ReadAsync<Condemnation>(Names.Condemnation(id), cancellation) is not { } condemnation) continue;
            // A crash came before the sessions were listed: those that are open now are all that can matter.
            var open = condemnation.Witnesses is { } witnesses ? await _watch.StillOpenAsync(witnesses, cancellation) : await _watch.OpenAsync(cancellation);
            var now = condemnation with { Witnesses = open };
            if (open.Count == 0) ready.Add(now);
            else
            {
                await repository.Files.WriteAsync(Names.Condemnation(id), now, cancellation);
                waiting.Add(now);
            }
        }
        return (ready, waiting);
    }

    private async Task<IReadOnlyList<PointManifest>> PointsAsync(CancellationToken cancellation)
    {
        var (points, unreadable) = await repository.Points.AllAsync(cancellation);
        return unreadable.Count == 0 ? points
            : throw new RepositoryException(RepositoryFault.Damaged, $"The point {unreadable[0].Id:D} cannot be read, so that it is not known what it needs; nothing was removed. Put {Names.Point(unreadable[0].Id)} back from a copy, or delete it if that point is given up.");
    }

    private async Task<Marking> MarkAsync(CancellationToken cancellation)
    {
        var points = await PointsAsync(cancellation);
        var marking = new Marking(repository, repository.Table);
        foreach (var point in points)
        {
            try { await marking.AddAsync(point, cancellation); }
            catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged)
            {
                throw new RepositoryException(RepositoryFault.Damaged, $"The index of the point {point.Id:D} of {point.VmName} is damaged, so that it is not known what it needs; nothing was removed. Remove that point, then collect again. {e.Problem.Detail}", e);
            }
            progress?.Invoke(marking.Points.Count, points.Count);
        }
        return marking;
    }

    private sealed record PackUse(Guid Pack, long Size, long Live, RecordKind Kind);

    private (List<Guid> Dead, List<Guid> Move) Plan(Marking marking)
    {
        var table = marking.Table;
        var live = new Dictionary<Guid, (long Bytes, RecordKind Kind)>();
        for (var f = 0; f < table.Files.Count; f++)
            for (var i = 0; i < table.Files[f].Count; i++)
            {
                var place = table.PlaceOf(new EntryAt(f, i));
                var (bytes, _) = live.GetValueOrDefault(place.Pack);
                live[place.Pack] = (bytes + (marking.IsMarked(new EntryAt(f, i)) ? place.Place.Length : 0), place.Place.Kind);
            }
        // A pack that no index lists, or that is not as long as it was, is left for a verification to tell of: what is in it may still be of use.
        var sizes = table.Files.SelectMany(file => file.Packs).DistinctBy(pack => pack.Id).ToDictionary(pack => pack.Id, pack => pack.Size);
        var packs = table.Present.Where(p => !table.Condemned.Contains(p.Key) && sizes.TryGetValue(p.Key, out var size) && size == p.Value)
            .Select(p => new PackUse(p.Key, p.Value, live.GetValueOrDefault(p.Key).Bytes, live.GetValueOrDefault(p.Key).Kind)).ToList();
        var move = packs.Where(p => p.Live > 0 && p.Live < p.Size * WorthMoving).ToList();
        foreach (var small in packs.Where(p => p.Live > 0 && p.Size < repository.Files.Config.PackBytes / 4).Except(move).ToList().GroupBy(p => p.Kind))
            if (small.Count() >= FewSmall) move.AddRange(small);
        return ([.. packs.Where(p => p.Live == 0).Select(p => p.Pack)], [.. move.Select(p => p.Pack)]);
    }

    private async Task MoveAsync(IReadOnlyList<Guid> packs, Marking marking, CancellationToken cancellation)
    {
        if (packs.Count == 0) return;
        var going = packs.ToHashSet();
        var table = marking.Table;
        var entries = new List<(Guid Pack, RecordEntry Entry)>();
        for (var f = 0; f < table.Files.Count; f++)
            for (var i = 0; i < table.Files[f].Count; i++)
                if (marking.IsMarked(new EntryAt(f, i)) && table.PlaceOf(new EntryAt(f, i)) is var place && going.Contains(place.Pack)) entries.Add((place.Pack, new RecordEntry(table.Files[f].IdAt(i), place.Place)));
        var before = repository.StoredBytes;
        // Places in order of the packs, so that each is read once from beginning to end.
        foreach (var part in entries.OrderBy(e => e.Pack).ThenBy(e => e.Entry.Place.Offset).Chunk(64))
            await Task.WhenAll(part.Select(e => repository.MoveAsync(e.Pack, e.Entry, cancellation)));
        await repository.FlushAsync(cancellation);
        _moved += repository.StoredBytes - before;
    }

    private async Task<Condemnation> CondemnAsync(IReadOnlyList<Guid> packs, CancellationToken cancellation)
    {
        var condemnation = new Condemnation(Guid.NewGuid(), packs, null, time.GetUtcNow());
        await repository.Files.WriteAsync(Names.Condemnation(condemnation.Id), condemnation, cancellation);
        // After that: a session that is not in this list has begun later, and has read the condemnation.
        condemnation = condemnation with { Witnesses = await _watch.OpenAsync(cancellation) };
        await repository.Files.WriteAsync(Names.Condemnation(condemnation.Id), condemnation, cancellation);
        return condemnation;
    }

    /// <summary>Removes condemned packs; what a point has come to need meanwhile is moved first.</summary>
    private async Task<long> SweepAsync(Condemnation condemnation, Marking marking, CollectLock alone, CancellationToken cancellation)
    {
        await MoveAsync(condemnation.Packs, marking, cancellation);
        await repository.RefreshAsync(cancellation);
        await alone.ThrowIfLostAsync(cancellation);
        var gone = condemnation.Packs.ToHashSet();
        await IndexRepair.DropAsync(repository.Files, repository.Table, gone, cancellation);
        long freed = 0;
        foreach (var pack in condemnation.Packs)
        {
            await alone.ThrowIfLostAsync(cancellation);
            freed += repository.Table.Present.GetValueOrDefault(pack);
            await repository.Files.Store.DeleteAsync(Names.Pack(pack), cancellation);
        }
        await repository.Files.Store.DeleteAsync(Names.Condemnation(condemnation.Id), cancellation);
        await repository.RefreshAsync(cancellation);
        return freed;
    }
}
