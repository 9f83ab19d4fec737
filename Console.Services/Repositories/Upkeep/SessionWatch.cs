using System.Text;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Sessions;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>Tells which sessions are still open, and removes those that have ended without a word.</summary>
/// <remarks>Clocks are never compared between machines, and one that was set forward alone declares nobody dead: a beat must stand still for fifteen minutes by this machine's clock, and again while this process watches it.</remarks>
internal sealed class SessionWatch(RepositoryFiles files, Guid own, TimeProvider time)
{
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(15), Watch = 2.5 * OpenSession.Beat;

    /// <summary>The sessions open now, but for the own one.</summary>
    public async Task<IReadOnlyList<Witness>> OpenAsync(CancellationToken cancellation)
    {
        var open = new List<Witness>();
        foreach (var id in await files.IdsAsync(Names.Sessions, cancellation))
            if (id != own && await IsOpenAsync(id, cancellation)) open.Add(new Witness(id, await BeatAsync(id, cancellation), time.GetUtcNow()));
        return open;
    }

    /// <summary>Those of the witnesses that are still open, as they are now.</summary>
    public async Task<IReadOnlyList<Witness>> StillOpenAsync(IReadOnlyList<Witness> witnesses, CancellationToken cancellation)
    {
        var open = new List<Witness>();
        foreach (var witness in witnesses)
        {
            if (!await IsOpenAsync(witness.Session, cancellation)) continue;
            var (beat, now) = (await BeatAsync(witness.Session, cancellation), time.GetUtcNow());
            // A clock that was set back would make the silence endless: it begins anew.
            if (beat != witness.Beat || witness.SeenAt > now) open.Add(new Witness(witness.Session, beat, now));
            else if (now - witness.SeenAt < Silence || await BeatsAsync(witness.Session, beat, cancellation)) open.Add(witness);
            else await EndAsync(witness.Session, cancellation);
        }
        return open;
    }

    /// <summary>Whether a session is there and not known to be dead; a dead one is removed.</summary>
    public async Task<bool> IsOpenAsync(Guid id, CancellationToken cancellation)
    {
        SessionRecord? record;
        try { record = await files.ReadAsync<SessionRecord>(Names.Session(id), cancellation); }
        // It cannot be told who it is: its silence will tell.
        catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged) { return true; }
        if (record is null) return false;
        if (!record.IsKnownDead) return true;
        await EndAsync(id, cancellation);
        return false;
    }

    private async Task<bool> BeatsAsync(Guid id, string beat, CancellationToken cancellation)
    {
        await Task.Delay(Watch, time, cancellation);
        return await BeatAsync(id, cancellation) != beat;
    }

    private async Task<string> BeatAsync(Guid id, CancellationToken cancellation) => await files.Store.ReadAsync(Names.Beat(id), cancellation) is { } beat ? Encoding.ASCII.GetString(beat) : "";

    private async Task EndAsync(Guid id, CancellationToken cancellation)
    {
        await files.Store.DeleteAsync(Names.Session(id), cancellation);
        await files.Store.DeleteAsync(Names.Beat(id), cancellation);
    }
}
