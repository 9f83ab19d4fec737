using System.Xml;
using System.Xml.Linq;

namespace Quarterdeck.Appliances.Ova;

/// <summary>Reads XML from outside: no DTD, no entities of its own, nothing fetched, a bounded size and depth.</summary>
internal static class OvfXml
{
    public const int MaxBytes = 4 << 20;
    private const int MaxDepth = 64;

    public static XElement Load(string file, byte[] bytes)
    {
        try
        {
            var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = MaxBytes, IgnoreComments = true, IgnoreProcessingInstructions = true };
            using (var depth = XmlReader.Create(new MemoryStream(bytes), settings))
                while (depth.Read())
                    if (depth.Depth > MaxDepth) throw Refusal.Of(file, $"its elements are nested deeper than {MaxDepth}.");
            using var reader = XmlReader.Create(new MemoryStream(bytes), settings);
            return XDocument.Load(reader).Root!;
        }
        catch (XmlException e)
        {
            throw Refusal.Of(file, $"its XML is not allowed or damaged at line {e.LineNumber}: {Refusal.Printable(e.Message)}.", "A descriptor may have no DTD and no entities.");
        }
    }

    /// <summary>Children of the name; only its local part counts, as packages use several namespaces for the same things.</summary>
    public static IEnumerable<XElement> Named(this XElement element, string name) => element.Elements().Where(e => e.Name.LocalName == name);

    /// <summary>Text of the first child of the name, trimmed; null when there is none or it is blank.</summary>
    public static string? Text(this XElement element, string name) => element.Named(name).FirstOrDefault()?.Value.Trim() is { Length: > 0 } text ? text : null;

    /// <summary>An attribute, with or without a prefix: packages differ. Null when it is absent.</summary>
    public static string? Attr(this XElement element, string name) => element.Attributes().FirstOrDefault(a => a.Name.LocalName == name && !a.IsNamespaceDeclaration)?.Value;

    /// <summary>Whether the attribute is <c>true</c> or <c>1</c>; <paramref name="otherwise"/> when it is absent.</summary>
    public static bool Flag(this XElement element, string name, bool otherwise = false) => element.Attr(name) is { } value ? value is "true" or "1" : otherwise;

    /// <summary>Words of an attribute that is a list.</summary>
    public static string[] Words(this XElement element, string name) => (element.Attr(name) ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
