using System.Text.RegularExpressions;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Registry;

/// <summary>What the runtime says of code that does not start, told by module, line and remedy.</summary>
internal static partial class StartMistake
{
    // Where the runtime puts the modules of a loaded worker.
    private const string Root = "file:///bundle/";

    [GeneratedRegex(@"No such compatibility flag: (?<flag>\S+)")]
    private static partial Regex Flag();

    [GeneratedRegex(@"(No such module|Module not found)[: ""]+(" + Root + @")?(?<name>[^\s""]+)")]
    private static partial Regex Missing();

    [GeneratedRegex(@"Uncaught (?<what>[^\n]+)(\n\s+at (?:[^\n(]*\()?" + Root + @"(?<name>[^\n]+?):(?<line>\d+):(?<column>\d+))?")]
    private static partial Regex Thrown();

    /// <summary>The refusal with fields that the sender knows; one that is about something else stays as it is.</summary>
    public static Problem Explain(Problem refusal)
    {
        if (refusal is not { Kind: ProblemKind.Invalid, Errors: [{ Field: "modules" } only] }) return refusal;
        return Read(only.Message) is { } error ? Problem.Invalid([error]) : refusal;
    }

    private static FieldError? Read(string said)
    {
        if (Flag().Match(said) is { Success: true } flag) return new("compatibilityFlags", $"The runtime knows no flag '{flag.Groups["flag"].Value}'.", "Correct its name, or remove it.");
        if (Missing().Match(said) is { Success: true } missing)
            return new($"modules[{missing.Groups["name"].Value}]", "It is imported, and not in the upload.", "Send it too, or correct the import; modules of Node.js need the compatibility flag nodejs_compat, packages a project folder or a bundler.");
        if (said.Contains("ExportedHandler", StringComparison.Ordinal)) return new("mainModule", "It has no default export with handlers.", "Write: export default { fetch(request) { return new Response('hello') } }.");
        if (Thrown().Match(said) is not { Success: true } thrown) return null;
        var what = thrown.Groups["what"].Value;
        // The guard ends what runs too long, which the runtime reports as an error without a text.
        if (what is "Error: null") return new("modules", "The code did not come to an end while it was loaded, or took more memory than it may.", "Nothing may loop, wait or fill the memory while modules are loaded: do it with the first request.");
        if (!thrown.Groups["name"].Success) return new("modules", $"Loading it failed: {what}", "Correct the code.");
        return new($"modules[{thrown.Groups["name"].Value}]", $"Line {thrown.Groups["line"].Value}, character {thrown.Groups["column"].Value}: {what}.",
            what.StartsWith("SyntaxError", StringComparison.Ordinal) ? "Correct the syntax; TypeScript is compiled when its name ends in .ts." : "Correct what runs while the module is loaded.");
    }
}
