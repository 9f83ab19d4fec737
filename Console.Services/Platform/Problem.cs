namespace Quarterdeck.Platform;

/// <summary>What an expected refusal is about; decides the HTTP status and the tone of the notice.</summary>
public enum ProblemKind
{
    /// <summary>The named object does not exist (404).</summary>
    NotFound,
    /// <summary>A field of the request is wrong (422).</summary>
    Invalid,
    /// <summary>The caller may not do this (403).</summary>
    Forbidden,
    /// <summary>The present state forbids it (409).</summary>
    Conflict,
    /// <summary>Something this depends on is away; trying again later may help (503).</summary>
    Unavailable,
    /// <summary>The upload is larger than allowed (413).</summary>
    TooLarge,
}

/// <summary>One wrong field of a request.</summary>
/// <param name="Field">The field's name as REST spells it, such as <c>disks[0].sizeGiB</c>.</param>
/// <param name="Message">What is wrong with it, in words for the person who sent it.</param>
/// <param name="Remedy">What to send instead.</param>
public sealed record FieldError(string Field, string Message, string Remedy);

/// <summary>An expected refusal. Everything unexpected throws instead.</summary>
/// <param name="Kind">What the refusal is about.</param>
/// <param name="Title">A short sentence that does not change from case to case.</param>
/// <param name="Detail">What happened in this case, and the remedy.</param>
/// <param name="Errors">The wrong fields, when <see cref="ProblemKind.Invalid"/>.</param>
/// <remarks>Becomes problem details, RFC 9457, at the REST edge and a notice on a page.</remarks>
public sealed record Problem(ProblemKind Kind, string Title, string Detail, IReadOnlyList<FieldError> Errors)
{
    /// <summary>The object <paramref name="what"/> with the id or name <paramref name="id"/> does not exist.</summary>
    public static Problem NotFound(string what, object id) =>
        new(ProblemKind.NotFound, $"No such {what}", $"There is no {what} with the id or name '{id}'. It may have been deleted meanwhile.", []);

    /// <summary>One field is wrong.</summary>
    public static Problem Invalid(string field, string message, string remedy) => Invalid([new FieldError(field, message, remedy)]);

    /// <summary>Several fields are wrong.</summary>
    public static Problem Invalid(IReadOnlyList<FieldError> errors) =>
        new(ProblemKind.Invalid, "The request is not valid", string.Join(" ", errors.Select(e => $"{e.Field}: {e.Message} {e.Remedy}")), errors);

    /// <summary>The caller lacks a permission.</summary>
    public static Problem Forbidden(string detail) => new(ProblemKind.Forbidden, "Not allowed", detail, []);

    /// <summary>The present state of an object forbids the request.</summary>
    public static Problem Conflict(string title, string detail) => new(ProblemKind.Conflict, title, detail, []);

    /// <summary>A dependency is away.</summary>
    public static Problem Unavailable(string title, string detail) => new(ProblemKind.Unavailable, title, detail, []);

    /// <summary>More bytes than allowed.</summary>
    public static Problem TooLarge(string detail) => new(ProblemKind.TooLarge, "Too large", detail, []);
}

/// <summary>Carries a <see cref="Quarterdeck.Platform.Problem"/> through code that can only throw, such as an operation's handler.</summary>
public class ProblemException(Problem problem, Exception? inner = null) : Exception($"{problem.Title}: {problem.Detail}", inner)
{
    /// <summary>The refusal.</summary>
    public Problem Problem => problem;
}
