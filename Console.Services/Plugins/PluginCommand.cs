using Quarterdeck.Access;

namespace Quarterdeck.Plugins;

/// <summary>The command <c>plugin validate FILE.ova</c>, for authors of plug-ins: needs no running console and no data folder.</summary>
public static class PluginCommand
{
    private const string Usage = """
        Usage:
          plugin validate FILE.ova    says all that is wrong with the package; ends with 0 when it can be installed as a plug-in
        """;

    /// <summary>Whether the program was started for a command of this room.</summary>
    public static bool Handles(IReadOnlyList<string> arguments) => arguments is ["plugin", ..];

    /// <summary>Runs a command.</summary>
    /// <param name="arguments">The program's arguments.</param>
    /// <param name="catalogue">The permissions that plug-ins may ask for.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="error">Where refusals go.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The exit code: 0, 1 for a package with problems or one that cannot be read, 2 for wrong usage.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, PermissionCatalogue catalogue, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        if (arguments is not ["plugin", "validate", var file])
        {
            await error.WriteLineAsync(Usage);
            return 2;
        }
        PackageReport report;
        try
        {
            await using var package = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.Asynchronous | FileOptions.SequentialScan);
            report = await PackageValidator.ReportAsync(package, long.MaxValue, catalogue, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"{file} cannot be read: {e.Message}");
            return 1;
        }
        await PrintAsync(Path.GetFileName(file), report, output);
        return report.Valid ? 0 : 1;
    }

    private static async Task PrintAsync(string file, PackageReport report, TextWriter output)
    {
        await output.WriteLineAsync(report.Key is null ? file : $"{file}: {report.Name} {report.Version} ({report.Key})");
        foreach (var finding in report.Findings)
        {
            await output.WriteLineAsync($"  {(finding.Level is FindingLevel.Problem ? "problem" : "warning")}  {finding.File}{(finding.Member is null ? "" : $", {finding.Member}")}: {finding.Message}");
            await output.WriteLineAsync($"           {finding.Remedy}");
        }
        var (problems, warnings) = (report.Findings.Count(f => f.Level is FindingLevel.Problem), report.Findings.Count(f => f.Level is FindingLevel.Warning));
        await output.WriteLineAsync($"{(report.Valid ? "It can be installed as a plug-in" : "It cannot be installed as a plug-in")}: {Count(problems, "problem")}, {Count(warnings, "warning")}.");
    }

    private static string Count(int number, string what) => $"{number} {what}{(number == 1 ? "" : "s")}";
}
