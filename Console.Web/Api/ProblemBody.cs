using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Api;

/// <summary>Problem details, RFC 9457, as every error of REST has them.</summary>
/// <param name="Title">A short sentence that does not change from case to case.</param>
/// <param name="Status">The HTTP status again.</param>
/// <param name="Detail">What happened in this case, and the remedy.</param>
/// <param name="Errors">The wrong fields; only with 400 and 422.</param>
public sealed record ProblemBody(string Title, int Status, string Detail,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<FieldError>? Errors = null)
{
    /// <summary>A room's refusal.</summary>
    public static ProblemBody Of(Problem problem) => new(problem.Title, Answers.Status(problem.Kind), problem.Detail, problem.Errors.Count == 0 ? null : problem.Errors);

    /// <summary>An answer that the framework decided by its status alone.</summary>
    public static ProblemBody Of(int status, HttpContext context) => status switch
    {
        400 => new("The request cannot be read", status, "The request is malformed. Compare it with the description at /api."),
        401 => new("A token is needed", status, "Send 'Authorization: Bearer <token>'. Tokens are made under Administration, Tokens; cookies are not taken here."),
        403 => new("Not allowed", status, "The token's role or scopes do not include this. Use a token with more rights, or ask an administrator."),
        404 => new("No such address", status, $"Nothing is served at {context.Request.Path}. All addresses are listed at /api."),
        405 => new("Method not allowed", status, $"{context.Request.Method} is not offered here; the header Allow lists what is."),
        413 => new("Too large", status, "The request's body is larger than this address takes."),
        415 => new("Unsupported content type", status, $"'{context.Request.ContentType}' is not taken here. Send application/json."),
        429 => new("Too many requests", status, "Wait a moment, then try again; Retry-After says how long."),
        503 => new("Not available now", status, "Something that this depends on is away. Try again later."),
        _ => new(ReasonPhrases.GetReasonPhrase(status) is { Length: > 0 } reason ? reason : "Failed", status,
            status >= 500 ? $"An unexpected error, recorded in the console's log under request id {context.TraceIdentifier}." : "The request was refused."),
    };

    /// <summary>Writes it as the answer.</summary>
    public Task WriteAsync(HttpContext context)
    {
        context.Response.StatusCode = Status;
        return context.Response.WriteAsJsonAsync(this, options: null, contentType: "application/problem+json", context.RequestAborted);
    }
}
