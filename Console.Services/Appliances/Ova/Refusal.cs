using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Ova;

/// <summary>How a package is refused: always naming the file in it, what is wrong, and what helps.</summary>
internal static class Refusal
{
    /// <summary>A problem about a file of the package.</summary>
    public static ProblemException Of(string file, string reason, string remedy = "Ask the publisher for an intact package.") =>
        new(new Problem(ProblemKind.Invalid, "The package was refused", $"{Printable(file)}: {reason} {remedy}", [new FieldError("file", $"{Printable(file)}: {reason}", remedy)]));

    /// <summary>The upload ended early.</summary>
    public static ProblemException Truncated(string file) => Of(file, "the package ends in the middle of it.", "Upload it again; if that fails, ask the publisher for an intact package.");

    /// <summary>Names come from outside: what is shown of them is short and has no control characters.</summary>
    public static string Printable(string name)
    {
        var text = new string([.. name.Take(80).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '·' : c)]);
        return name.Length > 80 ? text + "…" : text.Length == 0 ? "(no name)" : text;
    }
}
