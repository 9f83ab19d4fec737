using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Operations.Running;
using Quarterdeck.Operations.Store;

namespace Quarterdeck.Tests.Operations;

/// <summary>The stores over a database, without a node: to write what a crash would leave, and to look from outside.</summary>
internal static class TestStores
{
    public static readonly OperationIds Ids = new(TimeProvider.System);

    public static Entry Entry(string kind, Guid? id = null, IReadOnlyList<ResourceLock>? locks = null, Entry? parent = null)
    {
        var own = id ?? Ids.Next();
        return new Entry(own, new OperationKind(kind, kind, TestHandler.Permission), new NewOperation(kind, "thing:1", "one", new { }) { Locks = locks ?? [], Parent = parent?.Id },
            TestNode.Operator, parent is null ? own.ToString() : $"{parent.Path}/{own}");
    }

    /// <summary>Stores an operation and tells nobody.</summary>
    public static async Task<Guid> EnqueueAsync(Db db, string kind)
    {
        var entry = Entry(kind);
        await new OperationStore(db, new GroupCommit(db), TimeProvider.System).QueueAsync([entry], _ => Task.CompletedTask, CancellationToken.None);
        return entry.Id;
    }

    public static async Task<OperationInfo> ReadAsync(Db db, Guid id)
    {
        await using var none = new ServiceCollection().BuildServiceProvider();
        return (await new ReadStore(db, new OperationKinds(none)).LoadAsync([id], CancellationToken.None))[0];
    }
}
