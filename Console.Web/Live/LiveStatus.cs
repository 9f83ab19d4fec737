namespace Quarterdeck.Web.Live;

/// <summary>Whether this circuit's live views all flow; the header's indicator shows it.</summary>
public sealed class LiveStatus
{
    private int _broken;

    /// <summary>Raised when <see cref="Broken"/> changed; from any thread.</summary>
    public event Action? Changed;

    /// <summary>At least one stream of the open page broke and is being taken up again.</summary>
    public bool Broken => Volatile.Read(ref _broken) > 0;

    internal void Report(bool broken)
    {
        var now = broken ? Interlocked.Increment(ref _broken) : Interlocked.Decrement(ref _broken);
        if (now is 0 || (broken && now == 1)) Changed?.Invoke();
    }
}
