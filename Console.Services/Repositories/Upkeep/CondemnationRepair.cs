using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Repositories.Sessions;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>Withdraws condemnations that cannot be read: which packs a new session must not rely on would not be known. Their packs stay, and a later collect finds them again.</summary>
internal static class CondemnationRepair
{
    /// <summary>Removes them while no collect runs, so that none can be acting on them.</summary>
    /// <exception cref="RepositoryException">A collect runs; trying again later helps.</exception>
    public static async Task DropAsync(RepositoryFiles files, Guid session, IReadOnlyList<Guid> unreadable, TimeProvider time, CancellationToken cancellation)
    {
        await using var alone = await CollectLock.TakeAsync(files, session, new SessionWatch(files, session, time), cancellation);
        foreach (var id in unreadable)
        {
            try { await files.ReadAsync<Condemnation>(Names.Condemnation(id), cancellation); }
            catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged) { await files.Store.DeleteAsync(Names.Condemnation(id), cancellation); }
        }
    }
}
