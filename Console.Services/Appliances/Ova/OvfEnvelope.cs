using System.Xml.Linq;

namespace Quarterdeck.Appliances.Ova;

/// <summary>The envelopes there are, and what is different in old ones: the parser sees the spelling of 1.x only.</summary>
internal static class OvfEnvelope
{
    private const string V09 = "http://www.vmware.com/schema/ovf/1/envelope", Draft1 = "http://schemas.dmtf.org/ovf/1/envelope";
    private const string V1 = "http://schemas.dmtf.org/ovf/envelope/1", V2 = "http://schemas.dmtf.org/ovf/envelope/2";
    private const string Instance = "http://www.w3.org/2001/XMLSchema-instance";

    /// <summary>Sections that change what the package is, and that nothing here understands.</summary>
    private static readonly IReadOnlyDictionary<string, string> Refused = new Dictionary<string, string>
    {
        ["EncryptionSection"] = "parts of it are encrypted",
        ["SharedDiskSection"] = "it has disks that several virtual systems share",
    };

    /// <summary>Refuses an envelope that is not known, and gives the sections of an old one their present names.</summary>
    public static void Modernise(string file, XElement root)
    {
        if (root.Name.LocalName != "Envelope" || root.Name.NamespaceName is not (V09 or Draft1 or V1 or V2))
            throw Refusal.Of(file, $"its envelope '{Refusal.Printable(root.Name.ToString())}' is not known.", $"OVF 0.9, 1.x and 2.x are understood, such as {V1}.");
        // <Section xsi:type="ovf:DiskSection_Type"> became <DiskSection>, and <Content xsi:type="ovf:VirtualSystem_Type"> became <VirtualSystem>.
        foreach (var element in root.Descendants().Where(e => e.Name.LocalName is "Section" or "Content").ToArray())
        {
            var type = element.Attribute(XName.Get("type", Instance))?.Value ?? "";
            type = type[(type.IndexOf(':', StringComparison.Ordinal) + 1)..];
            if (type.EndsWith("_Type", StringComparison.Ordinal)) type = type[..^5];
            if (type.Length == 0 || !type.All(char.IsAsciiLetterOrDigit) || !char.IsAsciiLetter(type[0])) throw Refusal.Of(file, $"a {element.Name.LocalName} has no type that is known.");
            element.Name = XName.Get(type, element.Name.NamespaceName);
        }
        foreach (var element in root.Descendants())
            if (Refused.TryGetValue(element.Name.LocalName, out var why)) throw Refusal.Of(file, $"{why} ({element.Name.LocalName}).", "Ask the publisher for a package without.");
    }

    /// <summary>The hardware of a virtual system. Where it describes several machines, the one made for a machine like ours, else the first.</summary>
    public static XElement Hardware(string file, XElement system)
    {
        var all = system.Named("VirtualHardwareSection").ToArray();
        if (all.Length == 0) throw Refusal.Of(file, "it has no VirtualHardwareSection.");
        return all.FirstOrDefault(s => Types(s).Any(t => t.Contains("kvm", StringComparison.OrdinalIgnoreCase) || t.Contains("qemu", StringComparison.OrdinalIgnoreCase)))
            ?? all.FirstOrDefault(s => Types(s).Any(t => t.StartsWith("vmx", StringComparison.OrdinalIgnoreCase) || t.StartsWith("virtualbox", StringComparison.OrdinalIgnoreCase))) ?? all[0];
    }

    private static IEnumerable<string> Types(XElement section) =>
        section.Named("System").SelectMany(s => s.Named("VirtualSystemType")).SelectMany(t => t.Value.Split([' ', '\t', '\r', '\n', ',', ';'], StringSplitOptions.RemoveEmptyEntries));
}
