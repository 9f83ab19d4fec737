using System.Diagnostics;

namespace Quarterdeck.Tests.Support;

/// <summary>A bootable disk whose guest has a shell on its screen; see <c>screen-guest.sh</c>.</summary>
internal static class ScreenGuest
{
    /// <summary>Builds one at a path below libvirt's default pool, where QEMU's user may read it.</summary>
    /// <param name="name">The disk's, without its ending.</param>
    /// <param name="mode">What else it does: <c>serves</c> or <c>agent</c>, as the script says; null for nothing.</param>
    public static async Task<string> BuildAsync(string name, string? mode = null)
    {
        var path = $"/var/lib/libvirt/images/{name}.raw";
        using var build = Process.Start(new ProcessStartInfo(Path.Combine(TestConsole.RepositoryRoot, "Console.Tests", "Support", "screen-guest.sh"), mode is null ? [path] : [path, mode]) { RedirectStandardError = true })!;
        var errors = await build.StandardError.ReadToEndAsync();
        await build.WaitForExitAsync();
        build.ExitCode.ShouldBe(0, errors);
        return path;
    }
}
