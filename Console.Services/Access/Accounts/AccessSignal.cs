namespace Quarterdeck.Access.Accounts;

/// <summary>Wakes whoever remembers users, sessions or tokens: what was remembered may be wrong now.</summary>
internal sealed class AccessSignal
{
    private long _version;

    /// <summary>Counts up with each change, here or on another node.</summary>
    internal long Version => Interlocked.Read(ref _version);

    /// <summary>Call after the commit.</summary>
    internal void Changed() => Interlocked.Increment(ref _version);
}
