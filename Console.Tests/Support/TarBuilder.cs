using System.Text;

namespace Quarterdeck.Tests.Support;

/// <summary>Writes tar archives entry by entry, right ones and wrong ones.</summary>
internal sealed class TarBuilder
{
    private readonly MemoryStream _out = new();

    /// <summary>A file; with other types and sizes than its own on demand.</summary>
    public TarBuilder File(string name, byte[] content, char type = '0', string link = "", long? size = null)
    {
        Header(name, size ?? content.Length, type, link);
        _out.Write(content);
        _out.Write(new byte[-content.Length & 511]);
        return this;
    }

    /// <summary>A pax header for the entry behind it.</summary>
    public TarBuilder Pax(params (string Key, string Value)[] records)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in records)
        {
            var rest = $" {key}={value}\n";
            var length = rest.Length + 1;
            while ($"{length}".Length + rest.Length != length) length++;
            text.Append(length).Append(rest);
        }
        return File("pax", Encoding.UTF8.GetBytes(text.ToString()), 'x');
    }

    /// <summary>The archive, with its end.</summary>
    public byte[] Build(bool withEnd = true)
    {
        if (withEnd) _out.Write(new byte[1024]);
        return _out.ToArray();
    }

    private void Header(string name, long size, char type, string link)
    {
        var block = new byte[512];
        Encoding.UTF8.GetBytes(name.Length > 99 ? name[..99] : name, block);
        Encoding.ASCII.GetBytes("0000644\00000000\00000000\0", block.AsSpan(100));
        Encoding.ASCII.GetBytes(Convert.ToString(size, 8).PadLeft(11, '0') + "\0", block.AsSpan(124));
        Encoding.ASCII.GetBytes("00000000000\0", block.AsSpan(136));
        block[156] = (byte)type;
        Encoding.ASCII.GetBytes(link, block.AsSpan(157));
        "ustar\000"u8.CopyTo(block.AsSpan(257));
        block.AsSpan(148, 8).Fill((byte)' ');
        var sum = block.Sum(b => (int)b);
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ", block.AsSpan(148));
        _out.Write(block);
    }
}
