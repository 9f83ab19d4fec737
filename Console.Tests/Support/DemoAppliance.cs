using System.Collections.Concurrent;
using System.Diagnostics;
using Quarterdeck.Tests.House;

namespace Quarterdeck.Tests.Support;

/// <summary>The demo appliance, built once a test run from <c>samples/appliance</c>.</summary>
internal static class DemoAppliance
{
    private static readonly ConcurrentDictionary<(string? Version, bool Broken), Lazy<Task<string>>> Built = new();

    /// <summary>Path of the OVA.</summary>
    /// <param name="version">Another version than the sample's own.</param>
    /// <param name="broken">One that enrols and never gets well.</param>
    public static Task<string> PathAsync(string? version = null, bool broken = false) => Built.GetOrAdd((version, broken), what => new(() => BuildAsync(what.Version, what.Broken))).Value;

    private static async Task<string> BuildAsync(string? version, bool broken)
    {
        var folder = Directory.CreateTempSubdirectory("qd-demo-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        var path = Path.Combine(folder, "harbour-light.ova");
        using var build = Process.Start(new ProcessStartInfo(Path.Combine(Repository.Root, "samples", "appliance", "build.sh"), version is null ? [path] : [path, version])
        {
            RedirectStandardError = true, RedirectStandardOutput = true, Environment = { ["BROKEN"] = broken ? "1" : "" },
        })!;
        var errors = build.StandardError.ReadToEndAsync();
        await build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        build.ExitCode.ShouldBe(0, await errors);
        return path;
    }
}
