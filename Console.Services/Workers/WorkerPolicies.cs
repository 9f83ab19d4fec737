using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers;

/// <summary>Limits and trust that the administrator set for all workers.</summary>
public sealed class WorkerPolicies
{
    /// <summary>What it is called in the audit log.</summary>
    public const string Target = "worker-policy:all";

    private readonly PolicyStore _store;
    private readonly WorkerNews _news;
    private readonly Guard _guard;
    private readonly AuditLog _audit;

    internal WorkerPolicies(PolicyStore store, WorkerNews news, Guard guard, AuditLog audit) => (_store, _news, _guard, _audit) = (store, news, guard, audit);

    /// <summary>What is set.</summary>
    public async Task<Result<WorkerPolicy>> GetAsync(Caller caller, CancellationToken cancellation) =>
        await _guard.CheckAsync(caller, WorkersPermissions.Read, Target, cancellation) is { } refused ? refused : await _store.ReadAsync(cancellation);

    /// <summary>Sets it for all, at once: a lowered ceiling reaches versions that run.</summary>
    public async Task<Result<WorkerPolicy>> SetAsync(Caller caller, WorkerPolicy policy, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Manage, Target, cancellation) is { } refused) return refused;
        if (LimitCheck.Policy(policy) is { Count: > 0 } errors) return Problem.Invalid(errors);
        var before = await _store.ReadAsync(cancellation);
        await _store.WriteAsync(policy, connection => _audit.WriteAsync(connection, caller, "worker-policy.change", Target, null, before, policy, cancellation), cancellation);
        _news.AllWorkers();
        return policy;
    }
}
