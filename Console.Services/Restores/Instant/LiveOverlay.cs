using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Quarterdeck.Hosts;
using Quarterdeck.Restores.Definition;

namespace Quarterdeck.Restores.Instant;

/// <summary>A running QEMU's connection to what is under an overlay: looked at, and put right after it broke.</summary>
/// <remarks>libvirt cannot do this: its chain stays as it made it, and QEMU's block graph is changed beside it. When the disk stands alone, libvirt removes its own nodes, and <see cref="ForgetAsync"/> the others.</remarks>
internal static class LiveOverlay
{
    /// <summary>Whether the guest stands still because of an error of a disk, not because somebody paused it.</summary>
    public static async Task<bool> IsStoppedByErrorAsync(IHypervisor hypervisor, Guid domain, CancellationToken cancellation)
    {
        using var answer = JsonDocument.Parse(await hypervisor.MonitorAsync(domain, """{"execute":"query-status"}""", human: false, cancellation));
        return answer.RootElement.TryGetProperty("return", out var status) && status.GetProperty("status").GetString() == "io-error";
    }

    /// <summary>Whether QEMU reads nothing any more from below the overlay; libvirt may not know yet.</summary>
    public static async Task<bool> IsAloneAsync(IHypervisor hypervisor, Guid domain, InstantDisk disk, CancellationToken cancellation)
    {
        if (InstantDefinition.Node(await hypervisor.XmlAsync(domain, cancellation), disk) is not { } node) return false;
        // Not asked for flat: then every node would say that nothing is under it (QEMU 7.2).
        using var answer = JsonDocument.Parse(await hypervisor.MonitorAsync(domain, """{"execute":"query-named-block-nodes"}""", human: false, cancellation));
        return answer.RootElement.TryGetProperty("return", out var nodes)
            && nodes.EnumerateArray().Any(n => n.GetProperty("node-name").GetString() == node && n.TryGetProperty("backing_file_depth", out var depth) && depth.GetInt32() == 0);
    }

    /// <summary>Puts on the medium what was moved.</summary>
    /// <remarks>QEMU keeps where clusters are in memory: killed now, it would leave an image that has neither the data nor anything below it.</remarks>
    /// <returns>Whether it is there.</returns>
    public static async Task<bool> FlushAsync(IHypervisor hypervisor, Guid domain, InstantDisk disk, CancellationToken cancellation) =>
        InstantDefinition.Node(await hypervisor.XmlAsync(domain, cancellation), disk) is { } node
        && string.IsNullOrWhiteSpace(await hypervisor.MonitorAsync(domain, $"qemu-io {node} flush", human: true, cancellation));

    /// <summary>The job that moves the disk's data; null when there is none.</summary>
    public static async Task<PullJob?> JobAsync(IHypervisor hypervisor, Guid domain, InstantDisk disk, CancellationToken cancellation)
    {
        using var answer = JsonDocument.Parse(await hypervisor.MonitorAsync(domain, """{"execute":"query-block-jobs"}""", human: false, cancellation));
        return answer.RootElement.TryGetProperty("return", out var jobs)
            ? jobs.EnumerateArray().Where(j => j.GetProperty("device").GetString() == Job(disk)).Select(j => new PullJob(j.GetProperty("offset").GetInt64(), j.GetProperty("io-status").GetString() != "ok")).FirstOrDefault() : null;
    }

    /// <summary>Begins to move the disk's data.</summary>
    /// <remarks>Not libvirt's own job, because that ends at the first read that fails, and QEMU 7.2 does not survive the end of such a job while its guest reads (seen). This one stands still and goes on.</remarks>
    public static async Task BeginAsync(IHypervisor hypervisor, Guid domain, InstantDisk disk, CancellationToken cancellation)
    {
        if (InstantDefinition.Node(await hypervisor.XmlAsync(domain, cancellation), disk) is { } node)
            await AskAsync(hypervisor, domain, "block-stream", new JsonObject { ["job-id"] = Job(disk), ["device"] = node, ["on-error"] = "stop" }, cancellation);
    }

    /// <summary>Lets a job go on that stands still because of an error.</summary>
    public static Task ContinueAsync(IHypervisor hypervisor, Guid domain, InstantDisk disk, CancellationToken cancellation) =>
        AskAsync(hypervisor, domain, "block-job-resume", new JsonObject { ["device"] = Job(disk) }, cancellation);

    /// <summary>Connects QEMU anew, under the guest's feet; the guest stands still meanwhile, so that nothing is under way in QEMU.</summary>
    /// <returns>What QEMU says against it; null when it is done.</returns>
    public static async Task<string?> ReconnectAsync(IHypervisor hypervisor, Guid domain, InstantDisk disk, CancellationToken cancellation)
    {
        var ran = (await hypervisor.DomainAsync(domain, cancellation))?.State is VmState.Running;
        if (ran) await hypervisor.PauseAsync(domain, cancellation);
        try
        {
            if (await JobAsync(hypervisor, domain, disk, cancellation) is not null)
            {
                await AskAsync(hypervisor, domain, "block-job-cancel", new JsonObject { ["device"] = Job(disk), ["force"] = true }, cancellation);
                for (var looks = 0; looks < 100 && await JobAsync(hypervisor, domain, disk, cancellation) is not null; looks++) await Task.Delay(50, cancellation);
            }
            return await ExchangeAsync(hypervisor, domain, disk, cancellation);
        }
        finally
        {
            if (ran) await hypervisor.ResumeAsync(domain, CancellationToken.None);
        }
    }

    private static async Task<string?> ExchangeAsync(IHypervisor hypervisor, Guid domain, InstantDisk disk, CancellationToken cancellation)
    {
        var xml = await hypervisor.XmlAsync(domain, cancellation);
        if (InstantDefinition.Node(xml, disk) is not { } node || OptionsOf(domain, node) is not { } options) return "Its QEMU does not tell how the disk was opened.";
        var old = await NodesAsync(hypervisor, domain, disk, cancellation);
        var name = string.Create(CultureInfo.InvariantCulture, $"{Prefix(disk)}{old.Select(n => int.TryParse(n[Prefix(disk).Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0).DefaultIfEmpty(0).Max() + 1}");
        var added = await AskAsync(hypervisor, domain, "blockdev-add", new JsonObject
        {
            ["node-name"] = name, ["driver"] = "raw", ["read-only"] = true,
            ["file"] = new JsonObject { ["driver"] = "nbd", ["export"] = disk.Target, ["server"] = new JsonObject { ["type"] = "unix", ["path"] = disk.Socket } },
        }, cancellation);
        if (added is not null) return added;
        options["backing"] = name;
        var reopened = await AskAsync(hypervisor, domain, "blockdev-reopen", new JsonObject { ["options"] = new JsonArray(options) }, cancellation);
        foreach (var unused in reopened is null ? old : [name]) await AskAsync(hypervisor, domain, "blockdev-del", new JsonObject { ["node-name"] = unused }, cancellation);
        return reopened;
    }

    /// <summary>Removes the connections that were made beside libvirt's; those still in use stay.</summary>
    public static async Task ForgetAsync(IHypervisor hypervisor, Guid domain, InstantDisk disk, CancellationToken cancellation)
    {
        foreach (var node in await NodesAsync(hypervisor, domain, disk, cancellation)) await AskAsync(hypervisor, domain, "blockdev-del", new JsonObject { ["node-name"] = node }, cancellation);
    }

    private static string Job(InstantDisk disk) => $"quarterdeck-pull-{disk.Target}";

    private static string Prefix(InstantDisk disk) => $"quarterdeck-{disk.Target}-";

    private static async Task<IReadOnlyList<string>> NodesAsync(IHypervisor hypervisor, Guid domain, InstantDisk disk, CancellationToken cancellation)
    {
        using var answer = JsonDocument.Parse(await hypervisor.MonitorAsync(domain, """{"execute":"query-named-block-nodes","arguments":{"flat":true}}""", human: false, cancellation));
        return answer.RootElement.TryGetProperty("return", out var nodes)
            ? [.. nodes.EnumerateArray().Select(n => n.GetProperty("node-name").GetString()!).Where(n => n.StartsWith(Prefix(disk), StringComparison.Ordinal))] : [];
    }

    private static async Task<string?> AskAsync(IHypervisor hypervisor, Guid domain, string command, JsonObject arguments, CancellationToken cancellation)
    {
        using var answer = JsonDocument.Parse(await hypervisor.MonitorAsync(domain, new JsonObject { ["execute"] = command, ["arguments"] = arguments }.ToJsonString(), human: false, cancellation));
        return answer.RootElement.TryGetProperty("error", out var error) ? error.GetProperty("desc").GetString() : null;
    }

    // Reopening sets what it is not told to its default; how libvirt opened the node stands on QEMU's command line.
    private static JsonObject? OptionsOf(Guid domain, string node)
    {
        var uuid = domain.ToString();
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out _)) continue;
            string[] arguments;
            try { arguments = File.ReadAllText(Path.Combine(process, "cmdline")).Split('\0'); }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException) { continue; }
            if (Array.IndexOf(arguments, "-uuid") is not (var at and >= 0) || at + 1 >= arguments.Length || arguments[at + 1] != uuid) continue;
            return arguments.Where(a => a.StartsWith('{') && a.Contains($"\"node-name\":\"{node}\"", StringComparison.Ordinal)).Select(a => JsonNode.Parse(a)!.AsObject()).FirstOrDefault();
        }
        return null;
    }
}

/// <summary>A job that moves a disk's data.</summary>
/// <param name="Done">Bytes looked at so far.</param>
/// <param name="Stands">Whether it stands still because it could not read.</param>
internal sealed record PullJob(long Done, bool Stands);
