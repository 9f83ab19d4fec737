using Quarterdeck.Plugins;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>A ticket in use: what it lets in, and how many requests are inside.</summary>
internal sealed class Door(PluginVisit visit, long checkedAt)
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _shut = new(); // no timer and no wait handle: nothing to dispose
    private Task<bool>? _asking;
    private int _inside;
    private bool _left;
    private long _checkedAt = checkedAt;

    public PluginVisit Visit { get; private set; } = visit;

    /// <summary>When it was last known to hold.</summary>
    public long CheckedAt => Volatile.Read(ref _checkedAt);

    public bool IsBusy => Volatile.Read(ref _inside) > 0;

    /// <summary>Cancelled when the ticket has ended.</summary>
    public CancellationToken WhenShut => _shut.Token;

    /// <summary>Null when it was left for good.</summary>
    public Pass? TryEnter()
    {
        lock (_gate)
        {
            if (_left) return null;
            var crowded = _inside >= UiVisits.MostAtOnce;
            if (!crowded) _inside++;
            return new Pass(this, Visit, crowded);
        }
    }

    /// <summary>Nobody may enter any more, if nobody is inside.</summary>
    public bool TryLeave()
    {
        lock (_gate) return _left |= _inside == 0;
    }

    public void Exit()
    {
        lock (_gate) _inside--;
    }

    public void Holds(PluginVisit now, long asked)
    {
        lock (_gate) (Visit, _checkedAt) = (now, asked);
    }

    /// <summary>The next one asks first.</summary>
    public void Doubt() => Volatile.Write(ref _checkedAt, 0);

    public void Shut()
    {
        lock (_gate) _left = true;
        _shut.Cancel();
    }

    /// <summary>The question under way, or a new one.</summary>
    public Task<bool> Asking(Func<Task<bool>> ask)
    {
        lock (_gate) return _asking is { IsCompleted: false } running ? running : _asking = ask();
    }
}

/// <summary>A request that was let in.</summary>
internal sealed class Pass(Door door, PluginVisit visit, bool crowded) : IDisposable
{
    /// <summary>Whose, and where to.</summary>
    public PluginVisit Visit => visit;

    /// <summary>It is one too many and must not go on.</summary>
    public bool Crowded => crowded;

    /// <summary>Cancelled when the ticket has ended.</summary>
    public CancellationToken Ended => door.WhenShut;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!crowded) door.Exit();
    }
}
