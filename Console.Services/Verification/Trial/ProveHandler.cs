using Quarterdeck.Events;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores;
using Quarterdeck.Verification.Store;

namespace Quarterdeck.Verification.Trial;

/// <summary><c>recovery-point.prove</c>: boots the point apart from everything else, checks it, keeps a picture, and removes the VM whatever happens.</summary>
internal sealed class ProveHandler(
    HostConnections hosts, RepositoryConnections repositories, PointExports exports, FileDigests digests, ProofStore store, EventStream<Proof> stream, TimeProvider time) : IOperationHandler
{
    /// <inheritdoc/>
    public OperationKind Kind => ProofKinds.Prove;

    /// <inheritdoc/>
    public async Task<object?> RunAsync(IOperationContext operation, CancellationToken cancellation)
    {
        var input = operation.Input<ProofInput>();
        var began = time.GetUtcNow();
        var hypervisor = Take(hosts.Get(input.HostId));
        var point = await PointAsync(input, cancellation);
        // Steps are named after the attempt: nothing of a boot survives the console that served its disks, so the next one boots anew.
        TrialVm? vm = null;
        byte[]? picture = null;
        Awakened seen;
        try
        {
            await operation.StepAsync($"boot-{operation.Attempt}", "Booting it apart from everything else", async c => vm = await TryAsync(async () =>
                await TrialVm.BootAsync(operation, hypervisor, exports, input, point, await hosts.AccelerationAsync(input.HostId, c), c)));
            seen = await operation.StepAsync($"wait-{operation.Attempt}", "Waiting for its guest", c => TryAsync(() =>
                new Awakening(vm!, input.Checks, time).WaitAsync(seconds => operation.Progress(seconds, input.Checks.BootSeconds, "seconds"), c)));
            picture = await vm!.ScreenAsync(cancellation);
        }
        finally
        {
            await TryAsync(async () => { await TrialVm.RemoveAsync(hypervisor, operation.Id, await NotesAsync(hypervisor, operation, point), CancellationToken.None); return true; });
            if (vm is not null) await vm.DisposeAsync();
        }
        var outcomes = seen.Outcomes(input.Checks).ToList();
        if (input.Checks.Files.Count > 0)
            outcomes.AddRange(await operation.StepAsync($"files-{operation.Attempt}", "Reading files", async c =>
            {
                var read = new List<CheckOutcome>();
                foreach (var check in input.Checks.Files) read.Add(await digests.CheckAsync(input, check, c));
                return read;
            }));
        var proof = new Proof
        {
            Id = operation.Id, RecoveryPointId = input.RecoveryPointId, VmId = input.VmId, VmName = input.VmName, StartedAt = began, EndedAt = time.GetUtcNow(), Passed = outcomes.All(o => o.Passed),
            Evidence = seen.Evidence, BootSeconds = seen.Seconds, Outcomes = outcomes, Checks = input.Checks, HasScreenshot = picture is not null,
        };
        await store.SaveAsync(proof, picture, CancellationToken.None);
        stream.Changed(proof.Id.ToString());
        foreach (var outcome in outcomes) operation.Log($"{(outcome.Passed ? "Held" : "Failed")}: {outcome.Name}. {outcome.Detail}");
        if (!proof.Passed) throw new ProblemException(Problem.Conflict("The recovery point did not prove itself", string.Join(" ", outcomes.Where(o => !o.Passed).Select(o => $"{o.Name}: {o.Detail}"))));
        return new { proofId = proof.Id, recoveryPointId = proof.RecoveryPointId, vmId = proof.VmId, passed = true, evidence = proof.Evidence.ToString().ToLowerInvariant(), bootSeconds = proof.BootSeconds, checks = outcomes };
    }

    /// <inheritdoc/>
    public async Task UndoAsync(IOperationContext operation, IReadOnlyList<Note> notes, CancellationToken cancellation) =>
        await TrialVm.RemoveAsync(Take(hosts.Get(operation.Input<ProofInput>().HostId)), operation.Id, notes, cancellation);

    private async Task<PointManifest> PointAsync(ProofInput input, CancellationToken cancellation)
    {
        await using var repository = Take(await repositories.OpenAsync(input.RepositoryId, cancellation));
        return await repository.PointAsync(input.RecoveryPointId, cancellation) ?? throw new ProblemException(Problem.NotFound("recovery point", input.RecoveryPointId));
    }

    // Those that this attempt and the ones before may have made: names follow from operation and disk.
    private static async Task<IReadOnlyList<Note>> NotesAsync(IHypervisor hypervisor, IOperationContext operation, PointManifest point)
    {
        var pool = await hypervisor.EnsurePoolAsync(null, CancellationToken.None);
        return [.. point.Disks.Select(d => new Note(ProofKinds.VolumeNote, $"{pool.Name}/{TrialVm.OverlayOf(operation.Id, d.Target)}"))];
    }

    private static T Take<T>(Result<T> found) => found.TryGet(out var value, out var problem) ? value
        : throw (problem.Kind == ProblemKind.Unavailable ? new TransientException(problem.Detail) : new ProblemException(problem));

    private static async Task<T> TryAsync<T>(Func<Task<T>> calls)
    {
        try { return await calls(); }
        catch (HypervisorException e) when (e.Error is HypervisorError.Disconnected or HypervisorError.TimedOut) { throw new TransientException(e.Problem.Detail, e); }
    }
}
