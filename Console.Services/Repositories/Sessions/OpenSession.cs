using System.Globalization;
using System.Text;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;

namespace Quarterdeck.Repositories.Sessions;

/// <summary>Tells other consoles that a repository is in use here, and notices when they no longer believe it.</summary>
/// <remarks>The record is made once and never written again, so that one that was removed stays removed; the beat beside it changes.</remarks>
internal sealed class OpenSession : IAsyncDisposable
{
    /// <summary>Between beats.</summary>
    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(30);

    private readonly RepositoryFiles _files;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _beating;
    private volatile bool _lost;

    private OpenSession(RepositoryFiles files, Guid id, TimeProvider time)
    {
        (_files, Id, _time) = (files, id, time);
        _beating = BeatAsync();
    }

    public Guid Id { get; }

    /// <summary>Begins a session. Only after that may condemnations and indexes be read.</summary>
    public static async Task<OpenSession> BeginAsync(RepositoryFiles files, string purpose, TimeProvider time, CancellationToken cancellation)
    {
        var id = Guid.NewGuid();
        await files.CreateAsync(Names.Session(id), SessionRecord.New(id, purpose, time.GetUtcNow()), cancellation);
        return new OpenSession(files, id, time);
    }

    private async Task BeatAsync()
    {
        using var timer = new PeriodicTimer(Beat, _time);
        for (long beat = 1; ; beat++)
        {
            try
            {
                if (!await timer.WaitForNextTickAsync(_end.Token)) return;
                await _files.Store.WriteAsync(Names.Beat(Id), Encoding.ASCII.GetBytes(beat.ToString(CultureInfo.InvariantCulture)), _end.Token);
                if (await _files.Store.ReadAsync(Names.Session(Id), _end.Token) is null) _lost = true;
            }
            catch (OperationCanceledException) { return; }
            // A store that is away for a moment: the next beat tells. If it stays away, others may declare this dead, which the commit notices.
            catch (RepositoryException) { }
        }
    }

    /// <summary>Refuses to go on after others declared this session dead: what it relied on may be gone.</summary>
    public void ThrowIfLost()
    {
        if (_lost) throw Lost();
    }

    /// <summary>Asks the repository itself.</summary>
    public async Task ThrowIfLostAsync(CancellationToken cancellation)
    {
        if (!_lost && await _files.Store.ReadAsync(Names.Session(Id), cancellation) is null) _lost = true;
        ThrowIfLost();
    }

    private static RepositoryException Lost() => new(RepositoryFault.SessionLost, "This console was silent for so long that another one removed its session. Nothing is damaged; begin again.");

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _beating;
        _end.Dispose();
        try
        {
            await _files.Store.DeleteAsync(Names.Session(Id), CancellationToken.None);
            await _files.Store.DeleteAsync(Names.Beat(Id), CancellationToken.None);
        }
        // It then ends by its silence.
        catch (RepositoryException) { }
    }
}
