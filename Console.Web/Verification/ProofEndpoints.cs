using Quarterdeck.Backups;
using Quarterdeck.Platform;
using Quarterdeck.Verification;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Verification;

/// <summary>REST of proofs by restore: <c>/api/v1/proofs</c>, and the action on a recovery point.</summary>
internal static class ProofEndpoints
{
    /// <summary>What <c>POST /recovery-points/{id}/actions/prove</c> takes.</summary>
    /// <param name="Checks">What the point has to show; null for the checks of the VM's last proof, or that its guest comes up.</param>
    /// <param name="RepositoryId">Which repository is meant, for a point that was copied and is in several.</param>
    internal sealed record ProofRequest(ProofChecks? Checks = null, Guid? RepositoryId = null);

    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapProofs(this IEndpointRouteBuilder api)
    {
        var proofs = api.MapGroup("/proofs").WithTags("Proofs");
        proofs.MapGet("", ListAsync).Needs(VerificationPermissions.Read).Answers<Listing<Proof>>("List proofs of recovery points").WithDescription("Newest first. Filters: vmId, recoveryPointId.");
        proofs.MapGet("/{id:guid}", GetAsync).Needs(VerificationPermissions.Read).Answers<Proof>("Read a proof");
        proofs.MapGet("/{id:guid}/screenshot", ScreenshotAsync).Needs(VerificationPermissions.Read).Produces(StatusCodes.Status200OK, contentType: "image/png").ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("The guest's screen at the end of a proof").WithDescription("PNG; kept with the newest 20 proofs of a VM.");
        api.MapPost("/recovery-points/{id:guid}/actions/prove", ProveAsync).WithTags("Recovery points").Needs(VerificationPermissions.Run).AnswersOperation("Boot a recovery point apart from everything else and check it")
            .WithDescription("The operation's result has proofId, passed, evidence, bootSeconds and checks; it fails when a check does, and the proof tells which.");
        return api;
    }

    private static async Task<IResult> ListAsync(ListQuery list, string? vmId, string? recoveryPointId, HttpContext http, Proofs proofs, CancellationToken cancellation)
    {
        if (!list.Page([]).TryGet(out var page, out var problem)) return problem.ToHttp();
        var errors = new List<FieldError>();
        var (vm, point) = (Id(vmId, "vmId", "GET /vms"), Id(recoveryPointId, "recoveryPointId", "GET /recovery-points"));
        return errors.Count > 0 ? Problem.Invalid(errors).ToHttp() : (await proofs.ListAsync(CallerAccessor.FromHttp(http), vm, point, page, cancellation)).ToList();

        Guid? Id(string? text, string field, string from)
        {
            if (string.IsNullOrEmpty(text)) return null;
            if (Guid.TryParse(text, out var id)) return id;
            errors.Add(new(field, $"'{text}' is not an id.", $"Send an id that {from} lists."));
            return null;
        }
    }

    private static async Task<IResult> GetAsync(Guid id, HttpContext http, Proofs proofs, CancellationToken cancellation) => (await proofs.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk();

    private static async Task<IResult> ScreenshotAsync(Guid id, HttpContext http, Proofs proofs, CancellationToken cancellation) =>
        (await proofs.ScreenshotAsync(CallerAccessor.FromHttp(http), id, cancellation)).TryGet(out var picture, out var problem) ? Results.Bytes(picture, "image/png") : problem.ToHttp();

    private static async Task<IResult> ProveAsync(Guid id, JsonBody<ProofRequest> body, HttpContext http, RecoveryPoints points, Proofs proofs, CancellationToken cancellation)
    {
        if (await points.FindAsync(id, cancellation) is null) return Problem.NotFound("recovery point", id).ToHttp();
        if (!(await body.ReadAsync(cancellation)).TryGet(out var request, out var problem)) return problem.ToHttp();
        return (await proofs.StartAsync(CallerAccessor.FromHttp(http), new NewProof(id, request.Checks, request.RepositoryId), cancellation)).ToAccepted();
    }
}
