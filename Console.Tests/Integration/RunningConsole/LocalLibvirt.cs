using System.Diagnostics;

namespace Quarterdeck.Tests.Integration.RunningConsole;

/// <summary>What the machine's libvirt really has, asked past the console.</summary>
internal static class LocalLibvirt
{
    /// <summary>Names of all domains, running or not.</summary>
    public static IReadOnlyList<string> Domains() => Ask("list", "--all", "--name");

    /// <summary>Paths of all volumes in the default pool.</summary>
    public static IReadOnlyList<string> Volumes()
    {
        Ask("pool-refresh", "default");
        return [.. Ask("vol-list", "default").Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1])];
    }

    /// <summary>Domains and volumes whose name holds a text.</summary>
    public static IReadOnlyList<string> With(string text) => [.. Domains().Concat(Volumes()).Where(name => name.Contains(text, StringComparison.Ordinal))];

    /// <summary>Removes what a failed test left: domains and volumes whose name holds a text.</summary>
    public static void Remove(string text)
    {
        foreach (var domain in Domains().Where(name => name.Contains(text, StringComparison.Ordinal)))
        {
            Ask("destroy", domain);
            Ask("undefine", domain, "--nvram", "--snapshots-metadata");
        }
        foreach (var volume in Volumes().Where(path => path.Contains(text, StringComparison.Ordinal))) Ask("vol-delete", volume);
    }

    private static IReadOnlyList<string> Ask(params string[] arguments)
    {
        using var virsh = Process.Start(new ProcessStartInfo("virsh", ["-q", "-c", "qemu:///system", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = virsh.StandardError.ReadToEndAsync();
        var lines = virsh.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        virsh.WaitForExit();
        errors.Wait();
        return lines;
    }
}
