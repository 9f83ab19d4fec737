using Quarterdeck.Platform;

namespace Quarterdeck.Web.Api;

/// <summary>A page of a list as REST spells it.</summary>
/// <param name="Items">The rows of this page.</param>
/// <param name="Total">How many rows match in all.</param>
/// <param name="Page">The page's number, from 1.</param>
/// <param name="PageSize">Rows a page.</param>
public sealed record Listing<T>(IReadOnlyList<T> Items, int Total, int Page, int PageSize);

/// <summary>The answer 202: the operation that does the work.</summary>
/// <param name="OperationId">Follow it at <c>/api/v1/operations/{operationId}</c>.</param>
public sealed record AcceptedOperation(Guid OperationId);

/// <summary>Results of rooms as HTTP answers; the one mapping.</summary>
public static class Answers
{
    /// <summary>200 with the value.</summary>
    public static IResult ToOk<T>(this Result<T> result) => result.TryGet(out var value, out var problem) ? TypedResults.Ok(value) : problem.ToHttp();

    /// <summary>200 with the value in REST's own shape.</summary>
    public static IResult ToOk<T, TOut>(this Result<T> result, Func<T, TOut> shape) => result.Then(shape).ToOk();

    /// <summary>200 with <c>{items,total,page,pageSize}</c>.</summary>
    public static IResult ToList<T>(this Result<Page<T>> result) => result.ToList(x => x);

    /// <summary>200 with <c>{items,total,page,pageSize}</c>, each row in REST's own shape.</summary>
    public static IResult ToList<T, TOut>(this Result<Page<T>> result, Func<T, TOut> shape) =>
        result.ToOk(p => new Listing<TOut>([.. p.Items.Select(shape)], p.Total, p.Number, p.Size));

    /// <summary>201 with the object and its address.</summary>
    /// <param name="result">What was created.</param>
    /// <param name="path">Its path below <c>/api/v1</c>, such as <c>/hosts/0199…</c>.</param>
    /// <param name="shape">REST's own shape of it.</param>
    public static IResult ToCreated<T, TOut>(this Result<T> result, Func<T, string> path, Func<T, TOut> shape) =>
        result.TryGet(out var value, out var problem) ? TypedResults.Created(RestApi.Base + path(value), shape(value)) : problem.ToHttp();

    /// <summary>204.</summary>
    public static IResult ToNoContent<T>(this Result<T> result) => result.TryGet(out _, out var problem) ? TypedResults.NoContent() : problem.ToHttp();

    /// <summary>202 with <c>Location</c> and <c>{operationId}</c>.</summary>
    public static IResult ToAccepted(this Result<Guid> operation) =>
        operation.TryGet(out var id, out var problem) ? TypedResults.Accepted($"{RestApi.Base}/operations/{id}", new AcceptedOperation(id)) : problem.ToHttp();

    /// <summary>Problem details, RFC 9457.</summary>
    public static IResult ToHttp(this Problem problem) => TypedResults.Json(ProblemBody.Of(problem), contentType: "application/problem+json", statusCode: Status(problem.Kind));

    /// <summary>The status of a refusal.</summary>
    public static int Status(ProblemKind kind) => kind switch
    {
        ProblemKind.NotFound => StatusCodes.Status404NotFound,
        ProblemKind.Invalid => StatusCodes.Status422UnprocessableEntity,
        ProblemKind.Forbidden => StatusCodes.Status403Forbidden,
        ProblemKind.Conflict => StatusCodes.Status409Conflict,
        ProblemKind.Unavailable => StatusCodes.Status503ServiceUnavailable,
        ProblemKind.TooLarge => StatusCodes.Status413PayloadTooLarge,
        _ => StatusCodes.Status500InternalServerError,
    };
}
