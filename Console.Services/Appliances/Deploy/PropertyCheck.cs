using System.Globalization;
using System.Net;
using System.Net.Sockets;
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
        if (property.Format != "text" && Addresses(property, value) is { } wrong) return new(field, wrong, property.Format == "ip" ? "Give one such as 192.0.2.10 or 2001:db8::10." : "Give addresses with commas between, such as 192.0.2.1, 192.0.2.2.");
        return property.Type.ToLowerInvariant() switch
        {
            "boolean" => value.ToLowerInvariant() is "true" or "false" or "" ? null : new(field, "The value is not a boolean.", "Give true or false."),
            "uint8" or "sint8" or "uint16" or "sint16" or "uint32" or "sint32" or "uint64" or "sint64" => Whole(),
            "real32" or "real64" => Real(),
            _ => null,
        };

        FieldError? Whole()
        {
            if (value.Length == 0) return null;
            var fits = Int128.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && !(number < Bound(property.MinValue)) && !(number > Bound(property.MaxValue));
            return fits ? null : new(field, "The value is not a whole number in range.", $"Give a whole number {Range(property)}.");
        }

        FieldError? Real()
        {
            if (value.Length == 0) return null;
            if (!double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number)) return new(field, "The value is not a number.", "Give a decimal number such as 1.5.");
            if (property.Type.Equals("real32", StringComparison.OrdinalIgnoreCase) && !float.IsFinite((float)number)) return new(field, "The value is too large.", "Give a number below 3.4e38.");
            var fits = !(number < Decimal(property.MinValue)) && !(number > Decimal(property.MaxValue));
            return fits ? null : new(field, "The value is out of range.", $"Give a number {Range(property)}.");
        }
    }

    /// <summary>A property's range in words; empty when it has none.</summary>
    public static string Range(OvaProperty property) => (property.MinValue, property.MaxValue) switch
    {
        ({ } least, { } most) => $"from {least} to {most}",
        ({ } least, null) => $"of at least {least}",
        (null, { } most) => $"of at most {most}",
        _ => "",
    };

    private static Int128? Bound(string? text) => Int128.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var bound) ? bound : null;

    private static double? Decimal(string? text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var bound) ? bound : null;

    private static string? Addresses(OvaProperty property, string value)
    {
        if (value.Length == 0) return null;
        var parts = property.Format == "ip" ? [value] : value.Split(',');
        return parts.FirstOrDefault(p => !IsAddress(p.Trim())) is { } wrong ? $"'{Ova.Refusal.Printable(wrong.Trim())}' is not an IP address." : null;
    }

    /// <summary>Stricter than the framework, which takes <c>1</c> and <c>10.1</c> for addresses.</summary>
    private static bool IsAddress(string text) =>
        IPAddress.TryParse(text, out var address) && (address.AddressFamily is AddressFamily.InterNetworkV6 ? !text.Contains('[') : address.ToString() == text);
}
