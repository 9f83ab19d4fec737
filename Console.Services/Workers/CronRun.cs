namespace Quarterdeck.Workers;

/// <summary>One call of a worker's <c>scheduled()</c>.</summary>
/// <param name="Serial">The worker.</param>
/// <param name="Cron">The rule, as the version has it; UTC.</param>
/// <param name="DueAt">The minute it was due.</param>
/// <param name="Version">Which version was called.</param>
/// <param name="Node">Where.</param>
/// <param name="BegunAt">When the call was made.</param>
/// <param name="EndedAt">When it ended; null while it runs.</param>
/// <param name="Outcome"><c>ok</c>, or the name of the failure such as <c>exception</c>; null while it runs.</param>
public sealed record CronRun(long Serial, string Cron, DateTimeOffset DueAt, int Version, string Node, DateTimeOffset BegunAt, DateTimeOffset? EndedAt, string? Outcome)
{
    private CronRun() : this(0, "", default, 0, "", default, null, null) { } // for the mapper
}
