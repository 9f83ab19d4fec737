using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>REST of zones' certificates: <c>/api/v1/zones/{hostname}/certificate</c> and <c>…/challenges/{token}</c>.</summary>
internal static class ZoneCertificateEndpoints
{
    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static IEndpointRouteBuilder MapZoneCertificates(this IEndpointRouteBuilder api)
    {
        var zone = api.MapGroup("/zones/{hostname}").WithTags("Zones");
        zone.MapGet("/certificate", GetAsync).Needs(WorkersPermissions.Read).Answers<ZoneCertificate>("Read a zone's certificate, without its key");
        zone.MapPut("/certificate", PutAsync).Needs(WorkersPermissions.ManageZones).Answers<ZoneCertificate>("Set a zone's certificate, or have one generated")
            .WithDescription("Takes the chain and its key in PEM, or generate: true. New connections see it at once, on every node.");
        zone.MapDelete("/certificate", DeleteAsync).Needs(WorkersPermissions.ManageZones).AnswersNothing("Forget a zone's certificate and key");
        zone.MapPut("/challenges/{token}", PutChallengeAsync).Needs(WorkersPermissions.ManageZones).AnswersNothing("Answer a challenge of a certificate authority (ACME, http-01) for an hour")
            .WithDescription("Every node answers /.well-known/acme-challenge/{token} of the zone with the key authorization; for the hooks of ACME clients.");
        zone.MapDelete("/challenges/{token}", DeleteChallengeAsync).Needs(WorkersPermissions.ManageZones).AnswersNothing("Stop answering a challenge");
        return api;
    }

    private static async Task<IResult> GetAsync(string hostname, HttpContext http, ZoneCertificates certificates, CancellationToken cancellation) =>
        (await certificates.GetAsync(CallerAccessor.FromHttp(http), hostname, cancellation)).ToOk();

    private static async Task<IResult> PutAsync(string hostname, JsonBody<NewCertificate> body, HttpContext http, Zones zones, ZoneCertificates certificates, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await zones.GetAsync(caller, hostname, cancellation)).Problem is { } missing) return missing.ToHttp(); // 404 before the body is read
        return (await body.ReadAsync(cancellation)).TryGet(out var wanted, out var problem)
            ? (await certificates.PutAsync(caller, hostname, wanted, cancellation)).ToOk() : problem.ToHttp();
    }

    private static async Task<IResult> DeleteAsync(string hostname, HttpContext http, ZoneCertificates certificates, CancellationToken cancellation) =>
        (await certificates.DeleteAsync(CallerAccessor.FromHttp(http), hostname, cancellation)).ToNoContent();

    private static async Task<IResult> PutChallengeAsync(string hostname, string token, JsonBody<NewChallenge> body, HttpContext http, Zones zones, ZoneCertificates certificates, CancellationToken cancellation)
    {
        var caller = CallerAccessor.FromHttp(http);
        if ((await zones.GetAsync(caller, hostname, cancellation)).Problem is { } missing) return missing.ToHttp();
        return (await body.ReadAsync(cancellation)).TryGet(out var wanted, out var problem)
            ? (await certificates.PutChallengeAsync(caller, hostname, token, wanted, cancellation)).ToNoContent() : problem.ToHttp();
    }

    private static async Task<IResult> DeleteChallengeAsync(string hostname, string token, HttpContext http, ZoneCertificates certificates, CancellationToken cancellation) =>
        (await certificates.DeleteChallengeAsync(CallerAccessor.FromHttp(http), hostname, token, cancellation)).ToNoContent();
}
