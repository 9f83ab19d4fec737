using System.Globalization;

namespace Quarterdeck.Tests.Support;

/// <summary>A description of 10,000 VMs for libvirt's mock driver, <c>test:///FILE</c>.</summary>
internal static class TenThousandVms
{
    public const int Count = 10_000;

    /// <summary>Writes it; returns its path.</summary>
    public static async Task<string> WriteAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, "ten-thousand.xml");
        await using var file = new StreamWriter(path);
        await file.WriteLineAsync("<node>");
        for (var i = 0; i < Count; i++)
        {
            var id = new Guid(i, 0x51, 0x40, 0x80, 0, 0, 0, 0, 0, 0, 1);
            await file.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"<domain type='test'><name>vm-{i:00000}</name><uuid>{id}</uuid><memory unit='MiB'>{512 * (1 + i % 8)}</memory><vcpu>{1 + i % 4}</vcpu><os><type>hvm</type></os></domain>"));
        }
        await file.WriteLineAsync("</node>");
        return path;
    }
}
