using Quarterdeck.Operations;
using Quarterdeck.Repositories.Registry;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>The room's kinds of operations. Keys are append-only.</summary>
internal static class UpkeepKinds
{
    public static readonly OperationKind Verify = new("repository.verify", "Verify repository", RepositoriesPermissions.Operate);
    public static readonly OperationKind Prune = new("repository.prune", "Prune repository", RepositoriesPermissions.Operate);
    public static readonly OperationKind Collect = new("repository.collect", "Collect repository", RepositoriesPermissions.Operate);
    public static readonly OperationKind Copy = new("repository.copy", "Copy recovery points", RepositoriesPermissions.Operate);

    /// <summary>One after the other on this console; beside backups and restores, which share the repository.</summary>
    public static NewOperation Alone(OperationKind kind, RepositoryRow row) => new(kind.Key, RepositoryRegistry.Target(row.Id), row.Name, new UpkeepInput(row.Id))
    {
        Locks = [new(RepositoryRegistry.Target(row.Id), LockMode.Shared), new($"repository-upkeep:{row.Id:D}", LockMode.Exclusive)],
    };
}

/// <summary>Input of verify, prune and collect.</summary>
internal sealed record UpkeepInput(Guid RepositoryId);

/// <summary>Input of copy.</summary>
internal sealed record CopyInput(Guid RepositoryId, Guid TargetId, IReadOnlyList<Guid>? PointIds);
