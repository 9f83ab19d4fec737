using System.Diagnostics;

namespace Quarterdeck.Bench;

/// <summary>Other programs: peers, and what a measurement needs around it.</summary>
internal static class Tools
{
    /// <summary>Runs a program to its end; answers what it wrote and how long it took.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static async Task<(string Output, double Seconds)> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellation, string? input = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = input is not null };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(cancellation), process.StandardError.ReadToEndAsync(cancellation));
        if (input is not null)
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellation);
            process.StandardInput.Close();
        }
        await process.WaitForExitAsync(cancellation);
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {await error} {await output}");
        return (await output, clock.Elapsed.TotalSeconds);
    }

    /// <summary>The newest restic that apt offers (trixie's restores in place), unpacked aside; the installed one only if that fails.</summary>
    public static async Task<string> ResticAsync(string folder, CancellationToken cancellation)
    {
        try
        {
            foreach (var part in new[] { "lists/partial", "cache/archives/partial" }) Directory.CreateDirectory(Path.Combine(folder, part));
            // From where this machine takes its packages; the archive of security updates is another.
            var (targets, _) = await RunAsync("apt-get", ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"], cancellation);
            var archive = targets.Split('\n', StringSplitOptions.RemoveEmptyEntries).First(t => !t.Contains("security", StringComparison.Ordinal));
            await File.WriteAllTextAsync(Path.Combine(folder, "sources.list"), $"deb {archive} trixie main\n", cancellation);
            var options = $"-qq -o Dir::Etc::sourcelist={folder}/sources.list -o Dir::Etc::sourceparts=- -o Dir::State::lists={folder}/lists -o Dir::Cache={folder}/cache";
            await RunAsync("bash", ["-c", $"cd '{folder}' && apt-get {options} update && apt-get {options} download restic && dpkg -x restic_*.deb unpacked"], cancellation);
            return Path.Combine(folder, "unpacked/usr/bin/restic");
        }
        catch (InvalidOperationException e)
        {
            Console.Error.WriteLine($"No newer restic: {e.Message}");
            return "/usr/bin/restic";
        }
    }

    /// <summary>The middle one.</summary>
    public static double Median(IEnumerable<double> values) => values.Order().ToList() is var sorted ? sorted[sorted.Count / 2] : 0;
}
