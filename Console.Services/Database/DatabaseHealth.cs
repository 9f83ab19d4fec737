namespace Quarterdeck.Database;

/// <summary>How the database did lately.</summary>
/// <param name="Available">Whether the last use of it worked.</param>
/// <param name="Since">Since when that is so.</param>
/// <param name="Reason">Why it is not available, in words; null when it is.</param>
/// <param name="LastSuccess">When it last worked; null for never.</param>
/// <param name="LastFailure">When it last failed; null for never.</param>
public sealed record DatabaseState(bool Available, DateTimeOffset Since, string? Reason, DateTimeOffset? LastSuccess, DateTimeOffset? LastFailure);

/// <summary>Watches the database: every use of it is noted, and while it is away it is asked again until it is back.</summary>
public sealed class DatabaseHealth
{
    /// <summary>How it stands.</summary>
    public DatabaseState State => throw new NotImplementedException();

    /// <summary>Raised after <see cref="DatabaseState.Available"/> changed, on any thread.</summary>
    public event Action<DatabaseState>? Changed { add { } remove { } }

    /// <summary>Asks the database now.</summary>
    public Task<DatabaseState> CheckAsync(CancellationToken cancellation) => throw new NotImplementedException();
}
