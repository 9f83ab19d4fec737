using System.Text;
using System.Xml;

namespace Quarterdeck.Appliances.Environment;

/// <summary>The OVF environment document (DSP0243, chapter 11) that an appliance reads its settings from.</summary>
internal static class EnvironmentDocument
{
    public const string FileName = "ovf-env.xml";
    private const string Namespace = "http://schemas.dmtf.org/ovf/environment/1";

    /// <param name="systemId">The virtual system's id in the descriptor.</param>
    /// <param name="consoleVersion">The console's version, told as the platform's.</param>
    /// <param name="properties">Full keys and values, in this order.</param>
    public static byte[] Write(string systemId, string consoleVersion, IEnumerable<KeyValuePair<string, string>> properties)
    {
        using var bytes = new MemoryStream();
        // Entitize keeps line breaks inside attributes (a PEM certificate has them), which parsers would turn into blanks.
        var settings = new XmlWriterSettings { Encoding = new UTF8Encoding(false), Indent = true, NewLineChars = "\n", NewLineHandling = NewLineHandling.Entitize };
        using (var xml = XmlWriter.Create(bytes, settings))
        {
            xml.WriteStartElement("", "Environment", Namespace);
            xml.WriteAttributeString("xmlns", "oe", null, Namespace);
            xml.WriteAttributeString("oe", "id", Namespace, systemId);
            xml.WriteStartElement("", "PlatformSection", Namespace);
            xml.WriteElementString("", "Kind", Namespace, "Quarterdeck");
            xml.WriteElementString("", "Version", Namespace, consoleVersion);
            xml.WriteElementString("", "Vendor", Namespace, "Quarterdeck");
            xml.WriteElementString("", "Locale", Namespace, "en");
            xml.WriteEndElement();
            xml.WriteStartElement("", "PropertySection", Namespace);
            foreach (var (key, value) in properties)
            {
                xml.WriteStartElement("", "Property", Namespace);
                xml.WriteAttributeString("oe", "key", Namespace, key);
                xml.WriteAttributeString("oe", "value", Namespace, value);
                xml.WriteEndElement();
            }
            xml.WriteEndElement();
            xml.WriteEndElement();
        }
        bytes.WriteByte((byte)'\n');
        return bytes.ToArray();
    }

    /// <summary>Whether every character may stand in XML.</summary>
    public static bool CanHold(string text)
    {
        for (var i = 0; i < text.Length; i++)
            if (i + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[i + 1], text[i])) i++;
            else if (!XmlConvert.IsXmlChar(text[i])) return false;
        return true;
    }
}
