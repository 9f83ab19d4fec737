using System.Text.Json;
using System.Xml.Linq;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Backups.Capture;

/// <summary>Backup jobs that run on a domain: one at a time, ours or somebody else's.</summary>
internal static class BackupJobs
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50), Patience = TimeSpan.FromMinutes(1);

    /// <summary>Ends a job that a killed console left behind.</summary>
    /// <exception cref="ProblemException">Somebody else's backup runs.</exception>
    public static async Task RequireNoneAsync(CaptureParts parts, IHypervisor hypervisor, Guid domain, CancellationToken cancellation)
    {
        if (await hypervisor.BackupJobAsync(domain, cancellation) is not { } job)
        {
            // QEMU has one NBD server only; libvirt's service does not survive being told to start a second.
            var exports = await hypervisor.MonitorAsync(domain, """{"execute":"query-block-exports"}""", human: false, cancellation);
            using var answer = JsonDocument.Parse(exports);
            if (answer.RootElement.GetProperty("return").GetArrayLength() == 0) return;
            throw new ProblemException(Problem.Conflict("Another program reads the VM's disks", "The VM's QEMU exports a disk to another program, such as a migration. Start the backup again when that has ended."));
        }
        var socket = SocketOf(job);
        if (socket is null || !Leftover.IsAbandoned(socket))
            throw new ProblemException(Problem.Conflict("Another backup of the VM runs", "A backup job that this console did not start runs on the VM. Wait for it, or end it with virsh domjobabort, and start the backup again."));
        await EndAsync(hypervisor, domain, socket, parts.Time, cancellation);
    }

    /// <summary>Ends the job that exports at this socket and waits until it is gone; nothing happens when there is none.</summary>
    public static async Task EndAsync(IHypervisor hypervisor, Guid domain, string socket, TimeProvider time, CancellationToken cancellation)
    {
        var begun = time.GetTimestamp();
        for (var asked = false; ; asked = true)
        {
            try
            {
                if (await hypervisor.BackupJobAsync(domain, cancellation) is not { } job || SocketOf(job) != socket) return;
                if (!asked) await hypervisor.AbortJobAsync(domain, cancellation);
            }
            catch (HypervisorException e) when (e.Error is HypervisorError.NotFound or HypervisorError.WrongState)
            {
                return; // the VM is gone or off, and its job with it
            }
            if (time.GetElapsedTime(begun) > Patience) throw new ProblemException(Problem.Unavailable("The backup job does not end", $"libvirt was asked to end the backup job and still shows it after {Patience.TotalSeconds:0} s."));
            await Task.Delay(Poll, time, cancellation);
        }
    }

    private static string? SocketOf(string job) => (string?)XElement.Parse(job).Element("server")?.Attribute("socket");
}

/// <summary>Kinds of notes that an operation keeps about a capture.</summary>
internal static class LeftOvers
{
    /// <summary>A capture for the point of this id was begun.</summary>
    public const string Point = "backup.point";

    /// <summary>The file systems of the domain were frozen.</summary>
    public const string Frozen = "backup.frozen";
}

/// <summary>Refuses VMs without a disk.</summary>
internal static class NoDisks
{
    public static void Refuse(Vm vm, DomainDisks disks)
    {
        if (disks.Disks.Count == 0) throw new ProblemException(Problem.Conflict("The VM has no disk to back up", $"'{vm.Name}' has no hard disk with content. {string.Join(' ', disks.Skipped)}".Trim()));
    }
}
