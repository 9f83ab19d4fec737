using System.Diagnostics;
using System.Xml.Linq;

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
            Ask("undefine", domain, "--nvram", "--snapshots-metadata", "--checkpoints-metadata");
        }
        foreach (var volume in Volumes().Where(path => path.Contains(text, StringComparison.Ordinal))) Ask("vol-delete", volume);
    }

    /// <summary>Files that are a domain's disks: those it runs on, or with <c>--inactive</c> those of its definition.</summary>
    public static IReadOnlyList<string> Files(string domain, params string[] options) =>
        [.. XElement.Parse(string.Concat(Ask(["dumpxml", domain, .. options]))).Descendants("disk").Select(d => (string?)d.Element("source")?.Attribute("file")).OfType<string>()];

    /// <summary>The file of the disk with a serial.</summary>
    public static string Disk(string domain, string serial) =>
        (string)XElement.Parse(string.Concat(Ask("dumpxml", domain))).Descendants("disk").Single(d => (string?)d.Element("serial") == serial).Element("source")!.Attribute("file")!;

    /// <summary>What a volume lies over; null when it stands alone.</summary>
    public static string? Backing(string volume) => (string?)XElement.Parse(string.Concat(Ask("vol-dumpxml", volume))).Element("backingStore")?.Element("path");

    /// <summary>The lines that <c>virsh</c> answers; none when it fails.</summary>
    public static IReadOnlyList<string> Ask(params string[] arguments)
    {
        using var virsh = Process.Start(new ProcessStartInfo("virsh", ["-q", "-c", "qemu:///system", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = virsh.StandardError.ReadToEndAsync();
        var lines = virsh.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        virsh.WaitForExit();
        errors.Wait();
        return lines;
    }
}
