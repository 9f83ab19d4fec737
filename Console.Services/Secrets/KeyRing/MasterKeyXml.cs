using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Secrets.KeyRing;

/// <summary>Encrypts the ring's elements with AES-256-GCM under the master key.</summary>
internal sealed class MasterKeyEncryptor(MasterKey master) : IXmlEncryptor
{
    public EncryptedXmlInfo Encrypt(XElement plaintextElement)
    {
        var salt = master.Salt();
        var (key, name) = master.Derive(salt);
        var nonce = RandomNumberGenerator.GetBytes(AesGcm.NonceByteSizes.MaxSize);
        var text = Encoding.UTF8.GetBytes(plaintextElement.ToString(SaveOptions.DisableFormatting));
        var cipher = new byte[text.Length];
        var tag = new byte[AesGcm.TagByteSizes.MaxSize];
        using (var aes = new AesGcm(key, tag.Length)) aes.Encrypt(nonce, text, cipher, tag);
        CryptographicOperations.ZeroMemory(text);
        return new EncryptedXmlInfo(new XElement("encryptedKey",
            new XAttribute("key", name),
            new XElement("salt", Convert.ToBase64String(salt)),
            new XElement("value", Convert.ToBase64String([.. nonce, .. tag, .. cipher]))), typeof(MasterKeyDecryptor));
    }
}

/// <summary>Decrypts them. Stored elements name this class: it must keep its name and assembly.</summary>
internal sealed class MasterKeyDecryptor(IServiceProvider services) : IXmlDecryptor
{
    public XElement Decrypt(XElement encryptedElement)
    {
        var master = services.GetRequiredService<MasterKey>();
        var (key, name) = master.Derive(Convert.FromBase64String(encryptedElement.Element("salt")!.Value));
        if ((string?)encryptedElement.Attribute("key") is var used && used != name)
            throw new SecretUnreadableException($"The secrets in this database were encrypted with another key file (key {used}) than '{master.File}' (key {name}). Every node needs the same one: copy it from the node that was first, or name it with QUARTERDECK_KEY_FILE.");
        var value = Convert.FromBase64String(encryptedElement.Element("value")!.Value);
        var (nonce, tag) = (AesGcm.NonceByteSizes.MaxSize, AesGcm.TagByteSizes.MaxSize);
        var text = new byte[value.Length - nonce - tag];
        using (var aes = new AesGcm(key, tag)) aes.Decrypt(value.AsSpan(0, nonce), value.AsSpan(nonce + tag), value.AsSpan(nonce, tag), text);
        return XElement.Parse(Encoding.UTF8.GetString(text));
    }
}
