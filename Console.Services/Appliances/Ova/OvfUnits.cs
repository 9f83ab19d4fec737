using System.Globalization;
using System.Text.RegularExpressions;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Numbers with programmatic units, such as <c>byte * 2^20</c> (DSP0004) or the older <c>MegaBytes</c>.</summary>
internal static partial class OvfUnits
{
    [GeneratedRegex(@"^byte(\s*\*\s*(?<base>2|10|1024|1000)(\s*\^\s*(?<exponent>[0-9]{1,2}))?)?$", RegexOptions.IgnoreCase)]
    private static partial Regex Programmatic();

    /// <summary>The number times its unit in bytes; null when it is not understood, negative, or beyond 2^62.</summary>
    public static long? Bytes(string number, string? unit, long unitByDefault)
    {
        if (!long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var count)) return null;
        if (Factor(unit, unitByDefault) is not { } factor) return null;
        var bytes = (Int128)count * factor;
        return bytes > 1L << 62 ? null : (long)bytes;
    }

    private static long? Factor(string? unit, long unitByDefault)
    {
        if (string.IsNullOrWhiteSpace(unit)) return unitByDefault;
        unit = unit.Trim();
        if (Programmatic().Match(unit) is { Success: true } match)
        {
            if (!match.Groups["base"].Success) return 1;
            var (number, exponent) = (double.Parse(match.Groups["base"].Value, CultureInfo.InvariantCulture), match.Groups["exponent"].Success ? int.Parse(match.Groups["exponent"].Value, CultureInfo.InvariantCulture) : 1);
            var factor = Math.Pow(number, exponent);
            return factor > 1L << 50 ? null : (long)factor;
        }
        return unit.ToLowerInvariant() switch
        {
            "bytes" => 1,
            "kb" or "kilobyte" or "kilobytes" => 1L << 10,
            "mb" or "megabyte" or "megabytes" => 1L << 20,
            "gb" or "gigabyte" or "gigabytes" => 1L << 30,
            "tb" or "terabyte" or "terabytes" => 1L << 40,
            _ => null,
        };
    }
}
