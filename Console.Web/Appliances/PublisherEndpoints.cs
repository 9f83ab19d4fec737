using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Web.Access;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Appliances;

/// <summary>REST of trusted publishers: <c>/api/v1/publishers</c>.</summary>
internal static class PublisherEndpoints
{
    /// <summary>Maps them on the group <c>/api/v1</c>.</summary>
    public static void MapPublishers(this IEndpointRouteBuilder api)
    {
        var publishers = api.MapGroup("/publishers").WithTags("Publishers");
        publishers.MapGet("", async (HttpContext http, ListQuery query, Publishers room, CancellationToken cancellation) =>
            query.Page("name", "subject", "addedAt", "validUntil").TryGet(out var page, out var wrong) ? (await room.ListAsync(CallerAccessor.FromHttp(http), page, cancellation)).ToList() : wrong.ToHttp())
            .Needs(AppliancePermissions.ReadPublishers).Answers<Listing<TrustedPublisher>>("Whose signed packages are trusted, and from whom trust was withdrawn");
        publishers.MapPost("", async (HttpContext http, JsonBody<NewPublisher> body, Publishers room, CancellationToken cancellation) =>
            (await body.ReadAsync(cancellation)).TryGet(out var publisher, out var wrong) ? (await room.AddAsync(CallerAccessor.FromHttp(http), publisher, cancellation)).ToCreated(p => $"/publishers/{p.Id}", p => p) : wrong.ToHttp())
            .Needs(AppliancePermissions.ManagePublishers).Answers<TrustedPublisher>("Trust a publisher by certificate (PEM): its own, or that of the authority above it", StatusCodes.Status201Created);
        publishers.MapGet("/{id:guid}", async (HttpContext http, Guid id, Publishers room, CancellationToken cancellation) =>
            (await room.GetAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToOk())
            .Needs(AppliancePermissions.ReadPublishers).Answers<TrustedPublisher>("One publisher");
        publishers.MapDelete("/{id:guid}", async (HttpContext http, Guid id, Publishers room, CancellationToken cancellation) =>
            (await room.RevokeAsync(CallerAccessor.FromHttp(http), id, cancellation)).ToNoContent())
            .Needs(AppliancePermissions.ManagePublishers).AnswersNothing("Withdraw the trust: what they signed is refused from now on; they stay in the list as revoked");
    }
}
