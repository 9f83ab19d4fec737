using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories.Registry;
using Quarterdeck.Schedules;

namespace Quarterdeck.Repositories.Upkeep;

/// <summary>What schedules may do with a repository; the input is <c>{"repositoryId":"…"}</c>.</summary>
internal abstract class ScheduledUpkeep(OperationKind kind, bool removes, RepositoryStore store) : IScheduledAction
{
    public string Key => kind.Key;

    public string Title => kind.Title;

    // A standing order that removes points takes the role that deleting takes.
    public Permission Permission => removes ? RepositoriesPermissions.Manage : RepositoriesPermissions.Operate;

    public async Task<Result<ScheduledTarget>> TargetAsync(Caller caller, JsonElement input, CancellationToken cancellation)
    {
        if (Repository(input) is not { } id || await store.FindAsync(id, cancellation) is not { } row) return Problem.Invalid("input.repositoryId", "There is no such repository.", "Send an id as GET /repositories shows it.");
        return removes && row.AppendOnly ? Problem.Invalid("input.repositoryId", $"'{row.Name}' is append-only: nothing in it can be removed.", "Choose another repository, or schedule its verification.") : new ScheduledTarget(RepositoryRegistry.Target(id), row.Name);
    }

    public async Task<Result<NewOperation>> PrepareAsync(Caller caller, JsonElement input, CancellationToken cancellation) =>
        Repository(input) is { } id && await store.FindAsync(id, cancellation) is { } row ? UpkeepKinds.Alone(kind, row) : Problem.Conflict("The repository is gone", "It was forgotten. Delete the schedule.");

    private static Guid? Repository(JsonElement input) => input.TryGetProperty("repositoryId", out var value) && value.ValueKind is JsonValueKind.String && value.TryGetGuid(out var id) ? id : null;
}

internal sealed class ScheduledVerify(RepositoryStore store) : ScheduledUpkeep(UpkeepKinds.Verify, removes: false, store);

internal sealed class ScheduledPrune(RepositoryStore store) : ScheduledUpkeep(UpkeepKinds.Prune, removes: true, store);

internal sealed class ScheduledCollect(RepositoryStore store) : ScheduledUpkeep(UpkeepKinds.Collect, removes: true, store);
