using System.Diagnostics;

namespace Quarterdeck.Tests.Support;

/// <summary>Packages that tests use as they come from npm, restored by their lock file when they are first asked for.</summary>
internal static class NpmPackages
{
    private static readonly SemaphoreSlim Once = new(1);

    /// <summary>The <c>node_modules</c> of a folder below <c>build/</c>.</summary>
    public static async Task<string> RestoreAsync(string name)
    {
        var folder = Path.Combine(TestConsole.RepositoryRoot, "build", name);
        // npm writes it when all of them are there.
        var done = Path.Combine(folder, "node_modules", ".package-lock.json");
        await Once.WaitAsync();
        try
        {
            if (!File.Exists(done) || File.GetLastWriteTimeUtc(done) < File.GetLastWriteTimeUtc(Path.Combine(folder, "package-lock.json")))
            {
                using var install = Process.Start(new ProcessStartInfo("npm", ["ci", "--ignore-scripts", "--no-progress", "--loglevel=error"]) { WorkingDirectory = folder })!;
                await install.WaitForExitAsync();
                install.ExitCode.ShouldBe(0, $"npm ci in build/{name}");
            }
        }
        finally { Once.Release(); }
        return Path.Combine(folder, "node_modules");
    }

    /// <summary>The workerd before the one that the build restores: a real other version, of which the guard knows nothing.</summary>
    public static async Task<string> WorkerdBeforeAsync() =>
        Directory.EnumerateFiles(Path.Combine(await RestoreAsync("workerd-before"), "@cloudflare"), "workerd", SearchOption.AllDirectories).Single();
}
