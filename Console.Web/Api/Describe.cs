namespace Quarterdeck.Web.Api;

/// <summary>What an endpoint is for and what it answers, for OpenAPI. Every endpoint has one of these; a test compares answers with them.</summary>
public static class Describe
{
    /// <summary>Answers a <typeparamref name="T"/>.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="summary">What it does, in a few words.</param>
    /// <param name="status">200 or 201.</param>
    public static RouteHandlerBuilder Answers<T>(this RouteHandlerBuilder endpoint, string summary, int status = StatusCodes.Status200OK) =>
        endpoint.WithSummary(summary).Produces<T>(status);

    /// <summary>Answers 204.</summary>
    public static RouteHandlerBuilder AnswersNothing(this RouteHandlerBuilder endpoint, string summary) =>
        endpoint.WithSummary(summary).Produces(StatusCodes.Status204NoContent);

    /// <summary>Answers 202 with the operation that does the work.</summary>
    public static RouteHandlerBuilder AnswersOperation(this RouteHandlerBuilder endpoint, string summary) =>
        endpoint.WithSummary(summary).Produces<AcceptedOperation>(StatusCodes.Status202Accepted);

    /// <summary>A query parameter that the endpoint reads from the request itself.</summary>
    public static RouteHandlerBuilder TakesQuery(this RouteHandlerBuilder endpoint, string name, string description) =>
        endpoint.WithMetadata(new QueryParameter(name, description));

    /// <summary>A body that is not JSON, such as an upload.</summary>
    public static RouteHandlerBuilder TakesUpload(this RouteHandlerBuilder endpoint, string description) =>
        endpoint.WithMetadata(new UploadShape(description));
}

/// <summary>Endpoint metadata: a query parameter.</summary>
internal sealed record QueryParameter(string Name, string Description);

/// <summary>Endpoint metadata: a multipart body.</summary>
internal sealed record UploadShape(string Description);
