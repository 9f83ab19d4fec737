using System.Collections.Concurrent;
using System.Text.Json;
using Quarterdeck.Hosts;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Restores.Run;

namespace Quarterdeck.Restores.Instant;

/// <summary>Moves the data of a VM that is off, and steps aside when it is to be started.</summary>
internal sealed class StillPull(ProcessRunner runner) : IBeforeVmChange
{
    private const string Program = "/usr/bin/qemu-img";
    private readonly ConcurrentDictionary<Guid, Running> _running = [];

    /// <summary>Writes where an image has to be read on; the VM is off.</summary>
    public async Task MarkAsync(InstantDisk disk, CancellationToken cancellation) =>
        await runner.RequireAsync(new ProcessSpec(Program, ["rebase", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", $"nbd+unix:///{disk.Target}?socket={disk.Socket}", disk.Overlay]), cancellation);

    /// <summary>Whether that is written in an image.</summary>
    public async Task<bool> IsMarkedAsync(InstantDisk disk, CancellationToken cancellation) =>
        JsonDocument.Parse((await runner.RequireAsync(new ProcessSpec(Program, ["info", "-U", "--output=json", "-f", "qcow2", disk.Overlay]), cancellation)).Text).RootElement.TryGetProperty("backing-filename", out _);

    /// <summary>Moves one disk's data. What was moved stays moved when it is broken off.</summary>
    /// <returns>Whether all of it is there; false when the VM was started meanwhile, or a read failed.</returns>
    public async Task<bool> RunAsync(Guid vmId, InstantDisk disk, Action<long> progress, Action<string> log, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var mine = new Running(stop, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _running[vmId] = mine;
        try
        {
            await MarkAsync(disk, stop.Token);
            var outcome = await runner.RunAsync(new ProcessSpec(Program, ["rebase", "-p", "-f", "qcow2", "-F", "raw", "-b", "", disk.Overlay])
            {
                Output = (stream, c) => FollowAsync(stream, done => progress((long)(disk.SizeBytes * done)), c),
            }, stop.Token);
            if (!outcome.Ok) log($"The data of disk {disk.Target} could not be moved while the VM is off; it is tried again. {outcome.Error.Trim()}");
            return outcome.Ok;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested) { return false; }
        finally
        {
            _running.TryRemove(KeyValuePair.Create(vmId, mine));
            mine.Ended.SetResult();
        }
    }

    /// <summary>QEMU opens its images alone: a VM that is to be started comes first.</summary>
    public async Task PrepareAsync(VmChangeKind change, Guid vmId, IHypervisor hypervisor, Guid domain, CancellationToken cancellation)
    {
        if (change != VmChangeKind.Start || !_running.TryGetValue(vmId, out var running)) return;
        try { await running.Stop.CancelAsync(); }
        catch (ObjectDisposedException) { /* it has just ended */ }
        await running.Ended.Task.WaitAsync(cancellation);
    }

    // "    (12.34/100%)\r", over and over.
    private static async Task FollowAsync(Stream stream, Action<double> progress, CancellationToken cancellation)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        var buffer = new char[256];
        while (await reader.ReadAsync(buffer, cancellation) is var read and > 0)
        {
            var text = new string(buffer, 0, read);
            if (text.LastIndexOf('(') is var at and >= 0 && text.IndexOf('/', at) is var end && end > at
                && double.TryParse(text[(at + 1)..end], System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out var percent)) progress(percent / 100);
        }
    }

    private sealed record Running(CancellationTokenSource Stop, TaskCompletionSource Ended);
}
