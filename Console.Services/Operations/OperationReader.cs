using Quarterdeck.Access;
using Quarterdeck.Operations.Running;
using Quarterdeck.Operations.Store;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations;

/// <summary>The read side: lists, single operations, logs.</summary>
public sealed class OperationReader
{
    private const int MaxLines = 1000;
    private readonly ReadStore _store;
    private readonly OperationKinds _kinds;
    private readonly Guard _guard;

    internal OperationReader(ReadStore store, OperationKinds kinds, Guard guard) => (_store, _kinds, _guard) = (store, kinds, guard);

    /// <summary>One page of operations, newest first unless <see cref="PageQuery.Sort"/> names <c>createdAt</c>, <c>startedAt</c>, <c>endedAt</c>, <c>kind</c>, <c>target</c>, <c>state</c> or <c>requestedBy</c>. The search looks into title, target name and requester.</summary>
    public async Task<Result<Page<OperationInfo>>> ListAsync(Caller caller, OperationQuery query, PageQuery page, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, OperationPermissions.Read, "operation", cancellation) is { } refused) return refused;
        if (page.Sort is { } sort && !ReadStore.Sorts.ContainsKey(sort.TrimStart('-')))
            return Problem.Invalid("sort", $"Operations cannot be sorted by '{sort}'.", $"Use one of {string.Join(", ", ReadStore.Sorts.Keys)}, with a minus in front for descending order.");
        if (page.Size is < 1 or > PageQuery.MaxSize || page.Number < 1)
            return Problem.Invalid("pageSize", $"Page {page.Number} of {page.Size} rows does not exist.", $"Pages count from 1 and have 1 to {PageQuery.MaxSize} rows.");
        return await _store.PageAsync(query, page, cancellation);
    }

    /// <summary>One operation with its steps.</summary>
    public async Task<Result<OperationInfo>> GetAsync(Caller caller, Guid id, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, OperationPermissions.Read, $"operation:{id}", cancellation) is { } refused) return refused;
        return await _store.LoadAsync([id], cancellation) is [var found] ? found : Problem.NotFound("operation", id);
    }

    /// <summary>Several operations, in the order of their ids; those that are gone are left out. At most 500.</summary>
    public async Task<Result<IReadOnlyList<OperationInfo>>> GetAsync(Caller caller, IReadOnlyList<Guid> ids, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, OperationPermissions.Read, "operation", cancellation) is { } refused) return refused;
        return Result<IReadOnlyList<OperationInfo>>.From(await _store.LoadAsync(ids, cancellation));
    }

    /// <summary>Those of some resources that an operation holds now, shared or alone; for rooms that would rather leave them in peace.</summary>
    public Task<IReadOnlySet<string>> HeldAsync(IReadOnlyList<string> resources, CancellationToken cancellation) => _store.HeldAsync(resources, cancellation);

    /// <summary>Lines of the stored log after the line <paramref name="after"/> (0 for the beginning), at most <paramref name="limit"/>.</summary>
    public async Task<Result<IReadOnlyList<LogLine>>> LogAsync(Caller caller, Guid id, long after, int limit, CancellationToken cancellation)
    {
        var operation = await GetAsync(caller, id, cancellation);
        if (operation.Problem is { } problem) return problem;
        return await _store.LogAsync(id, after, Math.Clamp(limit, 1, MaxLines), cancellation);
    }

    /// <summary>The last lines of the stored log, oldest first.</summary>
    public async Task<Result<IReadOnlyList<LogLine>>> LogTailAsync(Caller caller, Guid id, int limit, CancellationToken cancellation)
    {
        var operation = await GetAsync(caller, id, cancellation);
        if (operation.Problem is { } problem) return problem;
        return await _store.TailAsync(id, Math.Clamp(limit, 1, MaxLines), cancellation);
    }

    /// <summary>How many operations are in each state; states without any are absent.</summary>
    public async Task<Result<IReadOnlyDictionary<OperationState, int>>> CountAsync(Caller caller, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, OperationPermissions.Read, "operation", cancellation) is { } refused) return refused;
        return await _store.CountAsync(cancellation);
    }

    /// <summary>What a list may be sorted by, as REST names it.</summary>
    public static IReadOnlyCollection<string> Sorts => [.. ReadStore.Sorts.Keys];

    /// <summary>The kinds that are registered, by title; for filters.</summary>
    public IReadOnlyList<OperationKind> Kinds => _kinds.All;
}
