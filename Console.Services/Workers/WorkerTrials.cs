using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Logs;

namespace Quarterdeck.Workers;

/// <summary>A request to try a worker with.</summary>
/// <param name="Url">Absolute, http or https: what the worker sees as its URL. No name is looked up.</param>
/// <param name="Method">Method; null for GET.</param>
/// <param name="Headers">Headers; null for none.</param>
/// <param name="Body">Body as text, at most 1 MiB; null for none.</param>
/// <param name="Version">Which version, deployed or not; null for the one with the largest share, else the newest.</param>
public sealed record Trial(string? Url, string? Method = null, IReadOnlyDictionary<string, string>? Headers = null, string? Body = null, int? Version = null);

/// <summary>What a worker answered to a <see cref="Trial"/>.</summary>
/// <param name="Version">The version that ran.</param>
/// <param name="Status">Its status.</param>
/// <param name="Headers">Its headers, in their order.</param>
/// <param name="Body">Its body as text, at most 1 MiB; null when it holds bytes that are no UTF-8.</param>
/// <param name="BodyBytes">Bytes of the body that were read.</param>
/// <param name="Truncated">Whether there was more.</param>
/// <param name="WallMs">From sending to the end of the answer, milliseconds.</param>
/// <param name="Run">What it logged and used; null when nothing was told within three seconds.</param>
public sealed record TrialAnswer(
    int Version, int Status, IReadOnlyList<KeyValuePair<string, string>> Headers, string? Body, long BodyBytes, bool Truncated, double WallMs, TailEvent? Run);

/// <summary>Sends single requests to workers, past zones and routes, and hands back what they answered and logged.</summary>
public sealed class WorkerTrials
{
    private readonly TrialSender _sender;
    private readonly WorkerRegistry _workers;
    private readonly Guard _guard;
    private readonly AuditLog _audit;

    internal WorkerTrials(TrialSender sender, WorkerRegistry workers, Guard guard, AuditLog audit) => (_sender, _workers, _guard, _audit) = (sender, workers, guard, audit);

    /// <summary>Sends a request; it runs with the worker's secrets and stores, so it takes who may deploy and follow logs.</summary>
    /// <param name="caller">Who tries; needs <see cref="WorkersPermissions.Deploy"/> and <see cref="WorkersPermissions.Logs"/>.</param>
    /// <param name="name">The worker's name.</param>
    /// <param name="trial">The request.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The answer, whatever its status; refused when the worker cannot run, or did not answer within 30 s.</returns>
    public async Task<Result<TrialAnswer>> SendAsync(Caller caller, string name, Trial trial, CancellationToken cancellation)
    {
        var target = $"worker:{name}";
        if (await _guard.CheckAsync(caller, WorkersPermissions.Deploy, target, cancellation) is { } refused) return refused;
        if (await _guard.CheckAsync(caller, WorkersPermissions.Logs, target, cancellation) is { } hidden) return hidden;
        if (!(await _workers.GetAsync(caller, name, cancellation)).TryGet(out var worker, out var problem)) return problem;
        var version = trial.Version ?? worker.Deployment?.Versions.MaxBy(v => v.Percent)?.Version ?? worker.LatestVersion;
        if (version < 1 || version > worker.LatestVersion) return Problem.Invalid("version", $"'{name}' has no version {version}.", worker.LatestVersion == 0 ? "Deploy one first." : $"Take one from 1 to {worker.LatestVersion}.");
        if (!TrialRequest.Read(trial).TryGet(out var request, out problem)) return problem;
        var answer = await _sender.SendAsync(new WorkerKey(worker.Serial, version), request, cancellation);
        // A trial may change what the worker stores, so it is told who made it; the body may hold secrets, so it is not.
        if (answer.Ok) await _audit.WriteAsync(caller, "worker.trial", target, worker.Name, null, new { version, method = request.Method, url = request.Url.GetLeftPart(UriPartial.Path), answer.Value.Status }, cancellation);
        return answer;
    }
}
