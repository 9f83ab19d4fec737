using System.Globalization;
using System.Text.RegularExpressions;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Registry;

/// <summary>Dates and flags by which code says which behaviour of the runtime it expects.</summary>
internal static partial class Compatibility
{
    /// <summary>The newest date that the runtime knows: the day in the version number of the package that <c>build/workerd</c> pins.</summary>
    public const string Latest = "2026-11-17";

    // The first date that the runtime ever knew.
    private static readonly DateOnly First = new(2021, 11, 2);

    [GeneratedRegex("^[a-z][a-z0-9_]{1,79}$")]
    private static partial Regex Flag();

    public static string Date(string? wanted, List<FieldError> errors)
    {
        if (wanted is null) return Latest;
        if (!DateOnly.TryParseExact(wanted, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
            errors.Add(new("compatibilityDate", $"'{wanted}' is no date.", $"Give one as {Latest}."));
        else if (date > DateOnly.ParseExact(Latest, "yyyy-MM-dd", CultureInfo.InvariantCulture))
            errors.Add(new("compatibilityDate", $"The runtime of this console knows no {wanted}.", $"Give {Latest} or an earlier date; a newer console brings a newer runtime."));
        else if (date < First)
            errors.Add(new("compatibilityDate", $"There was no runtime on {wanted}.", $"Give a date from {First:yyyy-MM-dd} to {Latest}."));
        return wanted;
    }

    /// <summary>The form only; which flags there are the runtime tells when it loads the code.</summary>
    public static IReadOnlyList<string> Flags(IReadOnlyList<string>? wanted, List<FieldError> errors)
    {
        if (wanted is null) return [];
        for (var i = 0; i < wanted.Count; i++)
            if (!Flag().IsMatch(wanted[i])) errors.Add(new($"compatibilityFlags[{i}]", $"'{wanted[i]}' is no flag.", "Flags are lower-case words such as nodejs_compat."));
        // The runtime would let code reach what the sandbox is built to keep from it.
        if (wanted.Contains("experimental")) errors.Add(new("compatibilityFlags", "'experimental' is not allowed: it opens parts of the runtime that are not sandboxed.", "Remove it."));
        return [.. wanted.Distinct().Order(StringComparer.Ordinal)];
    }
}
