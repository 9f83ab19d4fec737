using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Operations;

/// <summary>The read side: lists, single operations, logs.</summary>
public sealed class OperationReader
{
    /// <summary>One page of operations, newest first unless <see cref="PageQuery.Sort"/> names <c>createdAt</c>, <c>startedAt</c>, <c>endedAt</c>, <c>kind</c>, <c>target</c>, <c>state</c> or <c>requestedBy</c>. The search looks into title, target name and requester.</summary>
    public Task<Result<Page<OperationInfo>>> ListAsync(Caller caller, OperationQuery query, PageQuery page, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>One operation with its steps.</summary>
    public Task<Result<OperationInfo>> GetAsync(Caller caller, Guid id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Lines of the stored log after the line <paramref name="after"/> (0 for the beginning), at most <paramref name="limit"/>.</summary>
    public Task<Result<IReadOnlyList<LogLine>>> LogAsync(Caller caller, Guid id, long after, int limit, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>The kinds that are registered, by title; for filters.</summary>
    public IReadOnlyList<OperationKind> Kinds => throw new NotImplementedException();
}
