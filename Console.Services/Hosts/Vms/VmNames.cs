using System.Text;
using System.Xml;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts.Vms;

/// <summary>Which names VMs and snapshots may have.</summary>
internal static class VmNames
{
    private const int MaxBytes = 200; // libvirt makes files named so, with endings of its own, and file names have 255 bytes
    private const string Remedy = "Use 1 to 200 bytes of printable characters without '/'.";

    /// <summary>Null when the name may be used. Everything printable may: quotes, emoji, a leading dash; it only ever travels inside XML.</summary>
    public static FieldError? Check(string? name, string field)
    {
        if (string.IsNullOrWhiteSpace(name)) return new FieldError(field, "It is missing.", Remedy);
        if (char.IsWhiteSpace(name[0]) || char.IsWhiteSpace(name[^1])) return new FieldError(field, "It begins or ends with a blank.", Remedy);
        if (!IsXml(name)) return new FieldError(field, "It holds control characters or broken Unicode.", Remedy);
        if (name.Contains('/', StringComparison.Ordinal)) return new FieldError(field, "It contains '/', which libvirt refuses.", Remedy);
        if (name is "." or "..") return new FieldError(field, $"'{name}' names a folder.", Remedy);
        return Encoding.UTF8.GetByteCount(name) > MaxBytes ? new FieldError(field, $"It has {Encoding.UTF8.GetByteCount(name)} bytes.", Remedy) : null;
    }

    /// <summary>Null when a snapshot may be named so. Narrower than a VM's name: it reaches QEMU as words of a command, where quotes change it and a number would be an id.</summary>
    public static FieldError? CheckSnapshot(string name)
    {
        const string SnapshotRemedy = "Use 1 to 100 letters, digits, blanks, and . _ - : ( ) + @ #, not digits alone, and no '-' or blank at the beginning.";
        if (Check(name, "name") is { } wrong) return wrong with { Remedy = SnapshotRemedy };
        return name.Length > 100 || name[0] == '-' || name.All(char.IsAsciiDigit) || !name.All(c => char.IsLetterOrDigit(c) || " ._-:()+@#".Contains(c, StringComparison.Ordinal))
            ? new FieldError("name", $"A snapshot cannot be named '{name}'.", SnapshotRemedy)
            : null;
    }

    /// <summary>A file name for a volume that people recognise: the plain letters of the VM's name, and a part of its id, which makes it unique.</summary>
    public static string Volume(string name, Guid vmId, string target, string format)
    {
        var plain = new string([.. name.Normalize().Take(40).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' ? c : '-')]).Trim('-', '.');
        return $"{(plain.Length == 0 ? "vm" : plain)}-{vmId.ToString("N")[^12..]}-{target}.{(format == "raw" ? "img" : format)}";
    }

    private static bool IsXml(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) i++;
            else if (char.IsControl(text[i]) || !XmlConvert.IsXmlChar(text[i]) || text[i] is '\u2028' or '\u2029') return false;
        }
        return true;
    }
}
