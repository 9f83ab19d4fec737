using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Chunks;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Packs;
using Quarterdeck.Repositories.Trees;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Repositories;

/// <summary>Holds docs/formats/backup-repository.md to the code: a vector that changes is a new format version.</summary>
public sealed class RepositoryFormatTests
{
    private static readonly byte[] Master = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly Guid Home = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), PackId = Guid.Parse("0f0e0d0c-0b0a-0908-0706-050403020100");
    private static byte[] Ones => [.. Enumerable.Repeat((byte)1, Repository.ChunkSize)];

    private static Dictionary<string, string> Vectors() => File.ReadLines(Path.Combine(TestConsole.RepositoryRoot, "docs/formats/backup-repository.md"))
        .SkipWhile(line => line != "## Test vectors").Where(line => line.StartsWith("| ", StringComparison.Ordinal) && line.Contains('`'))
        .Select(line => line.Trim('|', ' ').Split(" | ")).ToDictionary(cells => cells[0].Trim(), cells => cells[1].Trim(' ', '`'));

    private static async Task<byte[]> PackAsync(Seal seal)
    {
        using IMemoryOwner<byte> memory = new PackMemory(PackBuffer.Room(1 << 16));
        var buffer = new PackBuffer(Home, PackId, (PackMemory)memory, 1 << 16, seal);
        using var coder = new Quarterdeck.Repositories.Coding.RecordCoder(seal, 1);
        var content = Encoding.ASCII.GetBytes("Quarterdeck");
        buffer.TryReserve(seal.IdOf(content), content.Length + seal.RecordOverhead, RecordKind.Data, RecordCoding.Plain, out var place);
        coder.Write(memory.Memory.Span.Slice(place.Offset, place.Length), seal.IdOf(content), content, content.Length, place, buffer.Key);
        buffer.Release();
        buffer.Release();
        await buffer.FinishAsync();
        return memory.Memory[..buffer.Length].ToArray();
    }

    private static byte[] Index(Seal seal)
    {
        var builder = new IndexBuilder(Home, seal);
        builder.Add(new IndexedPack(PackId, 1000), [new RecordEntry(seal.IdOf(Ones), new RecordPlace(40, 500, RecordKind.Data, RecordCoding.Zstd))]);
        return builder.Build();
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    [Fact]
    public async Task Every_vector_of_the_specification_comes_out()
    {
        var (plain, keyed) = (new Seal(null), new Seal(Master));
        var key = RepositoryKey.Parse("QDK1-" + string.Join('-', Enumerable.Repeat("0000", 13)) + "-CSM7") ?? throw new InvalidOperationException("The key of zeros is not read.");
        var node = TreeShape.Write([plain.IdOf(Ones), ChunkId.Zero, plain.IdOf(Ones), ChunkId.Zero]);
        var made = new Dictionary<string, string>
        {
            ["id of 65536 bytes `01`, not encrypted"] = plain.IdOf(Ones).ToString(),
            ["the same with the master key `000102…1f`"] = keyed.IdOf(Ones).ToString(),
            ["id of the leaf with that chunk in places 0 and 2, not encrypted"] = plain.IdOf(node.Span).ToString(),
            ["SHA-256 of the pack `0f0e0d0c0b0a09080706050403020100` of the repository `00112233-4455-6677-8899-aabbccddeeff` with the one record `Quarterdeck`, not encrypted"] = Hex(SHA256.HashData(await PackAsync(plain))),
            ["the same with that master key"] = Hex(SHA256.HashData(await PackAsync(keyed))),
            ["SHA-256 of an index of that repository with that pack (size 1000) and that chunk at 40, 500 bytes, zstd, not encrypted"] = Hex(SHA256.HashData(Index(plain))),
            ["the same index with that master key"] = Hex(SHA256.HashData(Index(keyed))),
            ["the key of 32 zero bytes, and its key id"] = $"{key} {key.KeyId}",
        };
        var written = Vectors();
        made.Select(v => $"| {v.Key} | `{v.Value}` |").ShouldBe(written.Select(v => $"| {v.Key} | `{v.Value}` |"), ignoreOrder: true);
    }

    [Fact]
    public async Task The_layout_is_where_the_specification_says()
    {
        var pack = await PackAsync(new Seal(null));
        Encoding.ASCII.GetString(pack[..7]).ShouldBe("QDPACK1");
        Hex(pack[8..24]).ShouldBe("00112233445566778899aabbccddeeff");
        Hex(pack[24..40]).ShouldBe("0f0e0d0c0b0a09080706050403020100");
        Encoding.ASCII.GetString(pack[84..95]).ShouldBe("Quarterdeck");
        BitConverter.ToUInt32(pack, 95 + 32).ShouldBe(40u);
        BitConverter.ToUInt32(pack, 95 + 36).ShouldBe(11u);
        pack.Length.ShouldBe(95 + 40 + 48);
        Encoding.ASCII.GetString(pack[^8..]).ShouldBe("QDPKEND1");
    }

    [Fact]
    public void Keys_survive_being_typed_and_slips_are_noticed()
    {
        var key = RepositoryKey.New();
        RepositoryKey.Parse(" " + key.ToString().ToLowerInvariant().Replace("-", "  ").Replace('0', 'o').Replace('1', 'l').Replace("qdkl", "qdk1"))!.Bytes.ShouldBe(key.Bytes);
        var text = key.ToString();
        var noticed = 0;
        for (var i = 5; i < text.Length; i++)
            if (text[i] != '-' && RepositoryKey.Parse(text[..i] + (text[i] == '7' ? '8' : '7') + text[(i + 1)..]) is null) noticed++;
        noticed.ShouldBe(56);
    }
}
