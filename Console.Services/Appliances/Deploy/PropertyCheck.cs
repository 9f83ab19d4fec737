using System.Globalization;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Checks a value against an OVF property's type and qualifiers.</summary>
internal static class PropertyCheck
{
    /// <summary>What is wrong, in words that show no secret; null when nothing is.</summary>
    public static FieldError? Check(OvaProperty property, string value)
    {
        var field = $"properties.{property.Key}";
        if (property.Values.Count > 0 && !property.Values.Contains(value)) return new(field, "The value is not one of those allowed.", $"Give one of: {string.Join(", ", property.Values.Take(30))}.");
        if (property.MinLength is { } min && value.Length < min) return new(field, "The value is too short.", $"Give at least {min} characters.");
        if (property.MaxLength is { } max && value.Length > max) return new(field, "The value is too long.", $"Give at most {max} characters.");
        return property.Type.ToLowerInvariant() switch
        {
            "boolean" => value.ToLowerInvariant() is "true" or "false" or "" ? null : new(field, "The value is not a boolean.", "Give true or false."),
            "uint8" => Whole(0, byte.MaxValue),
            "sint8" => Whole(sbyte.MinValue, sbyte.MaxValue),
            "uint16" => Whole(0, ushort.MaxValue),
            "sint16" => Whole(short.MinValue, short.MaxValue),
            "uint32" => Whole(0, uint.MaxValue),
            "sint32" => Whole(int.MinValue, int.MaxValue),
            "uint64" => Whole(0, ulong.MaxValue),
            "sint64" => Whole(long.MinValue, long.MaxValue),
            "real32" or "real64" => value.Length == 0 || double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _) ? null : new(field, "The value is not a number.", "Give a decimal number such as 1.5."),
            _ => null,
        };

        FieldError? Whole(Int128 least, Int128 most) =>
            value.Length == 0 || (Int128.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
                ? null : new(field, "The value is not a whole number in range.", $"Give a whole number from {least} to {most}.");
    }
}
