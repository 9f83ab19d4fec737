using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Restores.History;
using Quarterdeck.Restores.Journal;

namespace Quarterdeck.Restores.Run;

/// <summary><c>vm.restore</c>: hands each mode to its own code, remembers how fast it was, and takes back what did not come to its end.</summary>
internal sealed class RestoreHandler(
    IncrementalRestore incremental, FullRestore full, NewVmRestore copies, InstantRestore instant, RollBack rollBack, VmPower power, PointTaker taker, RestoreHistory history, TimeProvider time) : IOperationHandler
{
    /// <inheritdoc/>
    public OperationKind Kind => RestoreKinds.Restore;

    /// <inheritdoc/>
    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var input = operation.Input<RestoreInput>();
        var result = input.Mode switch
        {
            RestoreMode.Incremental => await incremental.RunAsync(operation, input, cancellation),
            RestoreMode.Full => await full.RunAsync(operation, input, cancellation),
            RestoreMode.Instant => await instant.RunAsync(operation, input, cancellation),
            _ => await copies.RunAsync(operation, input, cancellation),
        };
        // How soon an instant one ran says nothing about how fast data moves.
        if (input.Mode != RestoreMode.Instant) await history.AddAsync(operation.Id, input.RepositoryId, result, time.GetUtcNow(), CancellationToken.None);
        return result;
    }

    /// <inheritdoc/>
    public async Task UndoAsync(IOperationContext operation, IReadOnlyList<Note> notes, CancellationToken cancellation)
    {
        var input = operation.Input<RestoreInput>();
        if (input.Mode == RestoreMode.New)
        {
            await copies.UndoAsync(input, notes, cancellation);
            return;
        }
        if (input.Mode == RestoreMode.Instant)
        {
            await instant.UndoAsync(operation, input, notes, () => copies.UndoAsync(input, notes, cancellation), cancellation);
            return;
        }
        if (input.Mode == RestoreMode.Full) FullRestore.Undo(notes);
        LocatedVm vm;
        try { vm = await power.LocateAsync(input.VmId, cancellation); }
        catch (ProblemException e) when (e.Problem.Kind == ProblemKind.NotFound)
        {
            operation.Log("The VM is gone; its disks are left as they are.");
            return;
        }
        await taker.CleanUpAsync(vm, notes, cancellation);
        foreach (var path in notes.Where(n => n.Kind == RestoreKinds.JournalNote).Select(n => n.Value).Distinct())
            if (JournalFile.Read(path) is { } journal) await rollBack.RunAsync(vm, journal, operation, cancellation);
        if (notes.Any(n => n.Kind == RestoreKinds.PowerNote) && await power.StateAsync(vm, cancellation) is VmState.Off or VmState.Crashed)
        {
            operation.Log("The VM ran before: it is started again.");
            await power.StartAsync(vm, cancellation);
        }
    }
}
