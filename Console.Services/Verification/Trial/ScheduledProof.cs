using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Schedules;

namespace Quarterdeck.Verification.Trial;

/// <summary>Proves the newest good point of a VM; the input is <c>{"vmId":"…","checks":{…}?}</c>.</summary>
internal sealed class ScheduledProof(Proofs proofs, VirtualMachines vms) : IScheduledAction
{
    public string Key => ProofKinds.Prove.Key;

    public string Title => ProofKinds.Prove.Title;

    public Permission Permission => VerificationPermissions.Run;

    public async Task<Result<ScheduledTarget>> TargetAsync(Caller caller, JsonElement input, CancellationToken cancellation)
    {
        if (ProofChecksInput.Read(input).Problem is { } wrong) return wrong;
        var found = ProofChecksInput.Id(input, "vmId") is { } id ? await vms.GetAsync(caller, id, cancellation) : Problem.NotFound("VM", "");
        return found.Problem is { Kind: ProblemKind.NotFound } ? Problem.Invalid("input.vmId", "There is no such VM.", "Send an id as GET /vms shows it.") : found.Then(vm => new ScheduledTarget($"vm:{vm.Id:D}", vm.Name));
    }

    public async Task<Result<NewOperation>> PrepareAsync(Caller caller, JsonElement input, CancellationToken cancellation)
    {
        if (ProofChecksInput.Id(input, "vmId") is not { } id) return Problem.Invalid("input.vmId", "It is no id of a VM.", "Set the schedule anew.");
        if (!ProofChecksInput.Read(input).TryGet(out var checks, out var wrong)) return wrong;
        return await proofs.NewestAsync(id, cancellation) is { } point ? await proofs.PrepareAsync(new NewProof(point.Id, checks.Value, point.RepositoryId), cancellation)
            : Problem.Conflict("Nothing to prove", "The VM has no good recovery point yet. Back it up first.");
    }
}

/// <summary>Proves the newest good point of each VM of a backup job; the input is <c>{"jobId":"…","checks":{…}?}</c>.</summary>
internal sealed class ScheduledJobProof(JobBook jobs) : IScheduledAction
{
    public string Key => ProofKinds.ProveJob.Key;

    public string Title => ProofKinds.ProveJob.Title;

    public Permission Permission => VerificationPermissions.Run;

    public async Task<Result<ScheduledTarget>> TargetAsync(Caller caller, JsonElement input, CancellationToken cancellation)
    {
        if (ProofChecksInput.Read(input).Problem is { } wrong) return wrong;
        var found = ProofChecksInput.Id(input, "jobId") is { } id ? await jobs.GetAsync(caller, id, cancellation) : Problem.NotFound("backup job", "");
        return found.Problem is { Kind: ProblemKind.NotFound } ? Problem.Invalid("input.jobId", "There is no such backup job.", "Send an id as GET /backup-jobs shows it.") : found.Then(job => new ScheduledTarget($"backup-job:{job.Id:D}", job.Name));
    }

    public async Task<Result<NewOperation>> PrepareAsync(Caller caller, JsonElement input, CancellationToken cancellation)
    {
        if (ProofChecksInput.Id(input, "jobId") is not { } id) return Problem.Invalid("input.jobId", "It is no id of a backup job.", "Set the schedule anew.");
        if (!ProofChecksInput.Read(input).TryGet(out var checks, out var wrong)) return wrong;
        return (await jobs.GetAsync(Caller.System, id, cancellation)).Then(job => JobRun(job, checks.Value));
    }

    /// <summary>What a run queues; two of one job wait for each other.</summary>
    public static NewOperation JobRun(BackupJob job, ProofChecks? checks) =>
        new(ProofKinds.ProveJob.Key, $"backup-job:{job.Id}", job.Name, new JobProof(job.Id, job.Name, checks)) { Locks = [new($"backup-job-proof:{job.Id}", LockMode.Exclusive)] };
}

/// <summary>The checks of a schedule's input.</summary>
internal sealed record ProofChecksInput(ProofChecks? Value)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Reads and checks them; none are fine.</summary>
    public static Result<ProofChecksInput> Read(JsonElement input)
    {
        if (!input.TryGetProperty("checks", out var given) || given.ValueKind is JsonValueKind.Null) return new ProofChecksInput((ProofChecks?)null);
        try
        {
            var checks = given.Deserialize<ProofChecks>(Json)!;
            return Proofs.Faults(checks, "input.checks") is { Count: > 0 } errors ? Problem.Invalid(errors) : new ProofChecksInput(checks);
        }
        catch (JsonException e) { return Problem.Invalid("input.checks", e.Message, "Send checks as POST /recovery-points/{id}/actions/prove takes them."); }
    }

    /// <summary>An id of the input.</summary>
    public static Guid? Id(JsonElement input, string field) => input.TryGetProperty(field, out var value) && value.ValueKind is JsonValueKind.String && value.TryGetGuid(out var id) ? id : null;
}
