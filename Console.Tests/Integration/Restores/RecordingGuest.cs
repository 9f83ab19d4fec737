using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>A Linux guest that writes records to its disk without end and tells of each one that is on the medium; see <c>recording-guest.sh</c>. What it told must be there, whatever was killed.</summary>
internal sealed class RecordingGuest(RestoreLab lab)
{
    private const int Block = 4096, Ahead = 16; // what it said may wait in its terminal's buffer when its power is cut

    private string Serial => $"{RestoreLab.Images}/{lab.Name}-serial.log";

    /// <summary>Makes the lab's VM boot it; the VM is off.</summary>
    public async Task InstallAsync()
    {
        var initrd = $"{RestoreLab.Images}/{lab.Name}-initrd";
        await SystemLibvirt.RunAsync(Path.Combine(TestConsole.RepositoryRoot, "Console.Tests", "Support", "recording-guest.sh"), initrd);
        var kernel = Directory.GetFiles("/boot", "vmlinuz-*-cloud-amd64").Order(StringComparer.Ordinal).Last();
        await lab.RedefineAsync(xml =>
        {
            foreach (var memory in new[] { "memory", "currentMemory" }) xml.Element(memory)?.ReplaceWith(new XElement(memory, new XAttribute("unit", "MiB"), 160));
            xml.Element("os")!.Elements("boot").Remove();
            xml.Element("os")!.Add(new XElement("kernel", kernel), new XElement("initrd", initrd), new XElement("cmdline", "quiet"));
            var devices = xml.Element("devices")!;
            devices.Elements("serial").Remove();
            devices.Elements("console").Remove();
            devices.Add(new XElement("serial", new XAttribute("type", "file"), new XElement("source", new XAttribute("path", Serial), new XAttribute("append", "on")), new XElement("target", new XAttribute("port", 0))));
        });
    }

    /// <summary>How many records it said are on the medium.</summary>
    public int Written() => Lines().Count(l => l[0] == "write");

    /// <summary>How many reads it told of.</summary>
    public int Reads() => Lines().Count(l => l[0] == "read");

    /// <summary>How often it booted.</summary>
    public int Boots() => Lines().Count(l => l[0] == "boot");

    /// <summary>Forgets what it told, for a VM that is made again.</summary>
    public void Forget() => File.Delete(Serial);

    /// <summary>Waits until it has written so many more records.</summary>
    public async Task WritesAsync(int more, int seconds = 90)
    {
        var from = Written();
        await RestoreLab.UntilAsync(() => Task.FromResult(Written() >= from + more), seconds);
    }

    /// <summary>What the disk must hold by all that it told, and that everything it read was right. After its power was cut it may hold a few records more than it told of.</summary>
    /// <param name="held">What the disk holds; the VM is off.</param>
    /// <param name="before">What it held when the guest first booted.</param>
    public void ShouldBeIn(byte[] held, byte[] before)
    {
        var expected = (byte[])before.Clone();
        var doubtful = new Dictionary<long, byte[]>();
        var (tag, number, reads) = ("", 0L, 0);
        var blocks = before.Length / Block;
        foreach (var line in Lines())
        {
            if (line[0] == "boot")
            {
                if (tag.Length > 0) Doubt();
                (tag, number) = (line[1], 0);
            }
            else if (line[0] == "write")
            {
                number = long.Parse(line[1], CultureInfo.InvariantCulture);
                var at = long.Parse(line[2], CultureInfo.InvariantCulture);
                at.ShouldBe(number * 1031 % blocks);
                Record(number, tag).CopyTo(expected.AsSpan((int)at * Block));
                doubtful.Remove(at);
            }
            else
            {
                var at = long.Parse(line[1], CultureInfo.InvariantCulture);
                var allowed = new List<string> { Hash(expected.AsSpan((int)at * Block, Block)) };
                if (doubtful.TryGetValue(at, out var maybe)) allowed.Add(Hash(maybe));
                allowed.ShouldContain(line[2], $"what the guest read in block {at} after record {number} of {tag}");
                reads++;
            }
        }
        Doubt();
        (number, reads).ShouldSatisfyAllConditions(x => x.number.ShouldBeGreaterThan(0), x => x.reads.ShouldBeGreaterThan(0));
        held.Length.ShouldBe(expected.Length);
        for (var block = 0; block < blocks; block++)
        {
            var there = held.AsSpan(block * Block, Block);
            if (!there.SequenceEqual(expected.AsSpan(block * Block, Block)) && !(doubtful.TryGetValue(block, out var maybe) && there.SequenceEqual(maybe)))
                Assert.Fail($"Block {block} differs: it begins with '{Encoding.ASCII.GetString(there[..64])}', and should with '{Encoding.ASCII.GetString(expected, block * Block, 64)}'.");
        }

        void Doubt()
        {
            for (var next = number + 1; next <= number + Ahead; next++) doubtful[next * 1031 % blocks] = Record(next, tag);
        }
    }

    private static byte[] Record(long number, string tag)
    {
        var line = $"record {number.ToString(CultureInfo.InvariantCulture)} of {tag} ";
        var block = new byte[Block];
        for (var at = 0; at < Block; at += line.Length) Encoding.ASCII.GetBytes(line.AsSpan(0, Math.Min(line.Length, Block - at)), block.AsSpan(at));
        return block;
    }

    private static string Hash(ReadOnlySpan<byte> block) => Convert.ToHexStringLower(MD5.HashData(block));

    // A line that is not whole yet, or that a power cut ended, tells nothing.
    private List<string[]> Lines()
    {
        if (!File.Exists(Serial)) return [];
        using var stream = new FileStream(Serial, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var text = reader.ReadToEnd();
        return [.. text[..(text.LastIndexOf('\n') + 1)].Split('\n').Select(l => l.Trim('\r').Split(' ')).Where(l => l[0] is "boot" or "write" or "read" && l.Length == (l[0] == "boot" ? 2 : 3))];
    }
}
