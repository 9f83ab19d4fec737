using System.Diagnostics;

namespace Quarterdeck.Tests.House;

/// <summary>The repository that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>Its root folder: the nearest one above the test assembly that has the solution.</summary>
    public static string Root { get; } = Find();

    /// <summary>Paths of all tracked files and of those that would be tracked, relative to the root, with slashes.</summary>
    public static IReadOnlyList<string> Files()
    {
        using var git = Process.Start(new ProcessStartInfo("git", ["-C", Root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]) { RedirectStandardOutput = true })!;
        var files = git.StandardOutput.ReadToEnd().Split('\0', StringSplitOptions.RemoveEmptyEntries);
        git.WaitForExit();
        git.ExitCode.ShouldBe(0, "git ls-files failed");
        return [.. files.Where(file => File.Exists(Path.Combine(Root, file)))];
    }

    /// <summary>Tracked files that are text, with their content.</summary>
    public static IEnumerable<(string Path, string Text)> Texts() =>
        from file in Files()
        where Path.GetExtension(file) is not (".png" or ".jpg" or ".ico" or ".woff2" or ".ova" or ".gz")
        select (file, File.ReadAllText(Path.Combine(Root, file)));

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Console.sln"))) folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests run outside the repository.");
        return folder;
    }
}
