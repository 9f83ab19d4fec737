using System.Text.Json;
using Quarterdeck.Hosts;

namespace Quarterdeck.Backups.Capture;

/// <summary>A dirty bitmap.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Usable">Whether it has recorded every change since it was made.</param>
/// <param name="ChangedBytes">Bytes marked, in whole pieces; null when it cannot be told now.</param>
internal sealed record Bitmap(string Name, bool Usable, long? ChangedBytes);

/// <summary>The top image of a disk in a running QEMU.</summary>
/// <param name="Bitmaps">Its bitmaps.</param>
/// <param name="IsOld">Whether it is of qcow2's first version.</param>
internal sealed record LiveNode(IReadOnlyList<Bitmap> Bitmaps, bool IsOld)
{
    /// <summary>For a disk that QEMU does not tell about.</summary>
    public static LiveNode None { get; } = new([], false);
}

/// <summary>The dirty bitmaps of a running domain, as its QEMU tells.</summary>
internal static class LiveBitmaps
{
    /// <summary>The top image of each disk, by its node name.</summary>
    public static async Task<IReadOnlyDictionary<string, LiveNode>> ReadAsync(IHypervisor hypervisor, Guid domain, CancellationToken cancellation)
    {
        var answer = await hypervisor.MonitorAsync(domain, """{"execute":"query-block"}""", human: false, cancellation);
        using var json = JsonDocument.Parse(answer);
        var nodes = new Dictionary<string, LiveNode>(StringComparer.Ordinal);
        foreach (var device in json.RootElement.GetProperty("return").EnumerateArray())
            if (device.TryGetProperty("inserted", out var inserted) && inserted.TryGetProperty("node-name", out var node))
                nodes[node.GetString() ?? ""] = new LiveNode(inserted.TryGetProperty("dirty-bitmaps", out var bitmaps) ? [.. bitmaps.EnumerateArray().Where(HasName).Select(Read)] : [], IsOld(inserted));
        return nodes;
    }

    private static bool IsOld(JsonElement inserted) =>
        inserted.TryGetProperty("image", out var image) && image.TryGetProperty("format-specific", out var specific) && specific.TryGetProperty("data", out var data)
        && data.ValueKind == JsonValueKind.Object && data.TryGetProperty("compat", out var compat) && compat.ValueEquals("0.10");

    private static bool HasName(JsonElement bitmap) => bitmap.TryGetProperty("name", out _);

    private static Bitmap Read(JsonElement bitmap)
    {
        var usable = !Flag(bitmap, "inconsistent") && Flag(bitmap, "recording") && Flag(bitmap, "persistent");
        return new Bitmap(bitmap.GetProperty("name").GetString()!, usable, bitmap.TryGetProperty("count", out var count) ? count.GetInt64() : null);
    }

    private static bool Flag(JsonElement bitmap, string name) => bitmap.TryGetProperty(name, out var flag) && flag.ValueKind == JsonValueKind.True;
}
