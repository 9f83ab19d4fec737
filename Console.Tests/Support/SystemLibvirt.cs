using System.Diagnostics;

namespace Quarterdeck.Tests.Support;

/// <summary>The machine's own libvirt (<c>qemu:///system</c>), started when it does not run; it stays up, other tests share it.</summary>
public sealed class SystemLibvirt : IAsyncLifetime
{
    private static readonly SemaphoreSlim Gate = new(1);

    /// <summary>Its URI.</summary>
    public const string Uri = "qemu:///system";

    /// <summary>Part of the names of everything that this run makes, so that runs side by side don't meet.</summary>
    public string Prefix { get; } = "qdt" + Guid.NewGuid().ToString("N")[..8];

    public async Task InitializeAsync()
    {
        await Gate.WaitAsync();
        try
        {
            // Without udev nobody gives the device to its group; libvirt then learns QEMU's abilities anew at every call, for half a minute.
            if (Environment.IsPrivilegedProcess && File.Exists("/dev/kvm") && !File.Exists("/run/udev/control")) await RunAsync("chgrp", "kvm", "/dev/kvm");
            foreach (var (daemon, pid) in new[] { ("virtlogd", "/run/virtlogd.pid"), ("libvirtd", "/run/libvirtd.pid") })
                if (!IsAlive(pid)) await RunAsync($"/usr/sbin/{daemon}", "-d");
            for (var i = 0; i < 100 && !File.Exists("/run/libvirt/libvirt-sock"); i++) await Task.Delay(100);
        }
        finally
        {
            Gate.Release();
        }
    }

    /// <summary>Removes what a failed test left behind.</summary>
    public async Task DisposeAsync()
    {
        foreach (var name in (await RunAsync("virsh", "-c", Uri, "list", "--all", "--name")).Split('\n').Where(n => n.Contains(Prefix, StringComparison.Ordinal)))
        {
            try { await RunAsync("virsh", "-c", Uri, "destroy", "--domain", name); } catch (InvalidOperationException) { /* off */ }
            try { await RunAsync("virsh", "-c", Uri, "undefine", "--nvram", "--snapshots-metadata", "--checkpoints-metadata", "--domain", name); } catch (InvalidOperationException) { /* transient */ }
        }
        foreach (var file in Directory.EnumerateFiles("/var/lib/libvirt/images", $"*{Prefix}*")) File.Delete(file);
    }

    /// <summary>Runs a program to its end; throws with its error output when it fails.</summary>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {await error}");
    }

    private static bool IsAlive(string pidFile) => File.Exists(pidFile) && int.TryParse(File.ReadAllText(pidFile), out var pid) && Directory.Exists($"/proc/{pid}");
}

/// <summary>Tests that use the machine's libvirt run one class after the other.</summary>
[CollectionDefinition(Name)]
public sealed class SystemLibvirtTests : ICollectionFixture<SystemLibvirt>
{
    public const string Name = "system libvirt";
}
