using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Points;

/// <summary><c>vm.backup</c>.</summary>
internal sealed class BackUpHandler(HostConnections hosts, RepositoryConnections repositories, PointTaker taker, TimeProvider time) : IOperationHandler
{
    public static readonly OperationKind BackUp = new("vm.backup", "Back up VM", BackupsPermissions.Run) { MaxAttempts = 5 };

    private static readonly TimeSpan UndoPatience = TimeSpan.FromMinutes(2), Poll = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public OperationKind Kind => BackUp;

    /// <inheritdoc/>
    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var input = operation.Input<NewBackup>();
        if (!(await hosts.LocateAsync(input.VmId, cancellation)).TryGet(out var vm, out var problem)) throw Failure(problem);
        if (!(await repositories.OpenAsync(input.RepositoryId, cancellation)).TryGet(out var repository, out problem)) throw Failure(problem);
        await using (repository)
            return await taker.TakeAsync(vm, input.RepositoryId, repository,
                new TakeOptions(TakeKind.Regular) { Full = input.Full, JobId = input.JobId, ExpiresAt = input.ExpiresAt, BytesPerSecond = input.BytesPerSecond }, operation, cancellation);
    }

    /// <inheritdoc/>
    public async Task UndoAsync(IOperationContext operation, IReadOnlyList<Note> notes, CancellationToken cancellation)
    {
        if (notes.Count == 0) return;
        var begun = time.GetTimestamp();
        while (true)
        {
            var found = await hosts.LocateAsync(operation.Input<NewBackup>().VmId, cancellation);
            if (found.Problem is { Kind: ProblemKind.NotFound }) return; // what was on it went with it
            try
            {
                if (found.TryGet(out var vm, out var problem))
                {
                    await taker.CleanUpAsync(vm, notes, cancellation);
                    return;
                }
                if (time.GetElapsedTime(begun) > UndoPatience) throw new ProblemException(problem);
            }
            catch (HypervisorException e) when (e.Error is HypervisorError.Disconnected or HypervisorError.TimedOut && time.GetElapsedTime(begun) < UndoPatience) { /* again */ }
            await Task.Delay(Poll, time, cancellation);
        }
    }

    private static Exception Failure(Problem problem) => problem.Kind == ProblemKind.Unavailable ? new TransientException(problem.Detail) : new ProblemException(problem);
}
