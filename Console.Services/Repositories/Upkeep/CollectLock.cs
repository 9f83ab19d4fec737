using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>Only one collect at a time, of all consoles: it alone removes packs and merges others' indexes.</summary>
internal sealed class CollectLock : IAsyncDisposable
{
    private readonly RepositoryFiles _files;
    private readonly Guid _session;

    private CollectLock(RepositoryFiles files, Guid session) => (_files, _session) = (files, session);

    internal sealed record Holder(Guid Session);

    /// <summary>Takes it; one of a session that has ended is taken over.</summary>
    /// <exception cref="RepositoryException">Another collect runs.</exception>
    public static async Task<CollectLock> TakeAsync(RepositoryFiles files, Guid session, SessionWatch watch, CancellationToken cancellation)
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            if (await files.CreateAsync(Names.CollectLock, new Holder(session), cancellation)) return new CollectLock(files, session);
            if (await IsHeldAsync(files, session, watch, cancellation)) break;
            await files.Store.DeleteAsync(Names.CollectLock, cancellation);
        }
        throw new RepositoryException(RepositoryFault.Locked, "Another collect runs, here or on another console. Wait until it has ended. If that console is gone for good, its lock is taken over by the first collect after its session has ended.");
    }

    private static async Task<bool> IsHeldAsync(RepositoryFiles files, Guid session, SessionWatch watch, CancellationToken cancellation)
    {
        try { return await files.ReadAsync<Holder>(Names.CollectLock, cancellation) is { } holder && holder.Session != session && await watch.IsOpenAsync(holder.Session, cancellation); }
        // It cannot be told whose it is: then it is that of any session which is open.
        catch (RepositoryException e) when (e.Fault is RepositoryFault.Damaged) { return (await watch.OpenAsync(cancellation)).Count > 0; }
    }

    /// <summary>Asked before each removal: a process that slept may have lost it.</summary>
    public async Task ThrowIfLostAsync(CancellationToken cancellation)
    {
        if ((await _files.ReadAsync<Holder>(Names.CollectLock, cancellation))?.Session != _session) throw new RepositoryException(RepositoryFault.SessionLost, "Another console has taken over the collect. Nothing is damaged.");
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if ((await _files.ReadAsync<Holder>(Names.CollectLock, CancellationToken.None))?.Session == _session) await _files.Store.DeleteAsync(Names.CollectLock, CancellationToken.None);
        }
        // The next collect sees that this session has ended.
        catch (RepositoryException) { }
    }
}
