using System.Diagnostics;
using Quarterdeck.Tests.House;

namespace Quarterdeck.Tests.Support;

/// <summary>The demo appliance, built once a test run from <c>samples/appliance</c>.</summary>
internal static class DemoAppliance
{
    private static readonly Lazy<Task<string>> Built = new(BuildAsync);

    /// <summary>Path of the OVA.</summary>
    public static Task<string> PathAsync() => Built.Value;

    private static async Task<string> BuildAsync()
    {
        var folder = Directory.CreateTempSubdirectory("qd-demo-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        var path = Path.Combine(folder, "harbour-light.ova");
        using var build = Process.Start(new ProcessStartInfo(Path.Combine(Repository.Root, "samples", "appliance", "build.sh"), [path]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var errors = build.StandardError.ReadToEndAsync();
        await build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        build.ExitCode.ShouldBe(0, await errors);
        return path;
    }
}
