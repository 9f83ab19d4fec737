using Quarterdeck.Platform;

namespace Quarterdeck.Workers;

/// <summary>Tries code before a version of it is made: loads it where it can hurt nobody, asks its health path, within its limits.</summary>
public interface IStartupCheck
{
    /// <summary>What the start took, or why it is refused: <see cref="ProblemKind.Invalid"/> with the module or limit as field, <see cref="ProblemKind.Unavailable"/> when there is no runtime to try it in.</summary>
    Task<Result<StartupReport>> CheckAsync(StartupCandidate candidate, CancellationToken cancellation);
}

/// <summary>Code that is not a version yet.</summary>
/// <param name="Id">New for each check; what the isolate may be named by.</param>
/// <param name="Code">The code; its key's version is 0, and its serial, too, for a new worker.</param>
/// <param name="HealthPath">Path that must answer below 500; null to load only.</param>
public sealed record StartupCandidate(Guid Id, WorkerCode Code, string? HealthPath);

/// <summary>A start that went well.</summary>
/// <param name="StartupMs">From sending the code to the first answer, milliseconds.</param>
/// <param name="Status">What the health path answered; null when none was asked.</param>
public sealed record StartupReport(double StartupMs, int? Status);

/// <summary>Tells how the requests of a version went; the automatic rollback asks. Figures of this node only.</summary>
public interface IVersionErrors
{
    /// <summary>Requests and failures (5xx, exceptions, limits) of a version over the last so many seconds.</summary>
    VersionErrors Recent(WorkerKey key, int windowSeconds);
}

/// <summary>How requests went.</summary>
/// <param name="Requests">How many there were.</param>
/// <param name="Failures">How many of them failed.</param>
public readonly record struct VersionErrors(long Requests, long Failures);
