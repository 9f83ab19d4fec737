namespace Quarterdeck.Workers;

/// <summary>A worker's way from one tier to another.</summary>
/// <param name="At">When.</param>
/// <param name="From">Where it was.</param>
/// <param name="To">Where it went.</param>
/// <param name="Reason">Why, for people.</param>
/// <param name="By">Who: a user's or token's name, or <c>system</c>.</param>
/// <param name="Until">When it goes back by itself; null when it stays.</param>
public sealed record TierStep(DateTimeOffset At, WorkerTier From, WorkerTier To, string Reason, string By, DateTimeOffset? Until);
