using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers.Projects;

/// <summary>How a project is compiled.</summary>
/// <param name="Main">Path of the entry.</param>
/// <param name="Minify">Whether names and white space are shortened.</param>
/// <param name="NodeCompat">Whether <c>fs</c> and the like mean the runtime's own.</param>
/// <param name="Define">Names that are replaced by expressions.</param>
/// <param name="Alias">Packages that stand for others.</param>
internal sealed record BundleOrder(string Main, bool Minify, bool NodeCompat, IReadOnlyDictionary<string, string> Define, IReadOnlyDictionary<string, string> Alias);

/// <summary>Compiles TypeScript and joins a project with what it imports, by esbuild.</summary>
/// <remarks>
/// The project is a stranger's, and an import names a file: the compiler runs in a root folder that holds the project and nothing else,
/// as nobody, without network, with limits on time, memory and output. Plug-ins and build commands of the project are not run.
/// </remarks>
internal sealed partial class Bundler(ProcessRunner processes, ConsoleOptions console)
{
    private const string Unshare = "/usr/bin/unshare", PrLimit = "/usr/bin/prlimit", Nobody = "65534";
    private const int MostOutput = 256 << 20;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);
    private static readonly string[] Node =
    [
        "assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto", "dgram", "diagnostics_channel", "dns", "domain", "events", "fs", "fs/promises", "http", "http2", "https", "module",
        "net", "os", "path", "path/posix", "perf_hooks", "process", "punycode", "querystring", "readline", "stream", "stream/promises", "stream/web", "string_decoder", "timers", "timers/promises", "tls", "tty", "url", "util",
        "util/types", "v8", "vm", "worker_threads", "zlib",
    ];

    [GeneratedRegex(@"\[ERROR\] (?<what>[^\n]+)(\n\n\s+(?<file>[^\n:]+):(?<line>\d+):(?<column>\d+):)?")]
    private static partial Regex Mistake();

    /// <summary>Where esbuild is: beside a published console, else where the build restored it; null when it is in neither.</summary>
    public static string? Find()
    {
        var here = AppContext.BaseDirectory;
        var beside = Path.Combine(here, "esbuild");
        if (File.Exists(beside)) return beside;
        var machine = RuntimeInformation.OSArchitecture is Architecture.Arm64 ? "linux-arm64" : "linux-x64";
        for (var folder = new DirectoryInfo(here); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "build", "esbuild", "node_modules", "@esbuild", machine, "bin", "esbuild") is var path && File.Exists(path)) return path;
        return null;
    }

    private string Places => Path.Combine(console.DataFolder, "bundles");

    /// <summary>Removes what a console that was killed left behind; what is younger than any order takes may be at work.</summary>
    public void ClearLeftovers()
    {
        if (!Directory.Exists(Places)) return;
        foreach (var folder in Directory.GetDirectories(Places).Where(f => Directory.GetLastWriteTimeUtc(f) < DateTime.UtcNow - (10 * Longest))) Directory.Delete(folder, recursive: true);
    }

    /// <summary>The modules that the entry and its imports make; the first is the main module.</summary>
    public async Task<Result<IReadOnlyList<UploadedFile>>> BundleAsync(IReadOnlyList<UploadedFile> project, BundleOrder order, CancellationToken cancellation)
    {
        if (Find() is not { } esbuild) return Problem.Unavailable("The compiler is missing", "There is no esbuild beside the console. Build it with npm present (run.sh does), or send JavaScript modules.");
        var root = Directory.CreateDirectory(Path.Combine(Places, Guid.NewGuid().ToString("N"))).FullName;
        await using var undo = new Undo();
        undo.Add(() => { Directory.Delete(root, recursive: true); return ValueTask.CompletedTask; });
        var output = Lay(root, esbuild, project);
        var outcome = await RunAsync(root, order, cancellation);
        if (outcome is null) return Problem.Invalid("modules", $"Compiling took longer than {Longest.TotalSeconds:0} s or more memory than it may.", "Send a smaller project, or one that is bundled already (no_bundle).");
        if (!outcome.Ok) return Problem.Invalid(Mistakes(outcome.Error));
        return Collect(output);
    }

    private static string Lay(string root, string esbuild, IReadOnlyList<UploadedFile> project)
    {
        const UnixFileMode readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(root, readable);
        File.Copy(esbuild, Path.Combine(root, "esbuild"));
        File.SetUnixFileMode(Path.Combine(root, "esbuild"), readable);
        foreach (var file in project)
        {
            var path = Path.Combine(root, "project", file.Name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, readable);
            File.WriteAllBytes(path, file.Content.Span);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
        foreach (var folder in Directory.EnumerateDirectories(root, "*", SearchOption.AllDirectories)) File.SetUnixFileMode(folder, readable);
        var output = Path.Combine(root, "out");
        // Written by nobody, who else owns nothing here; the folder above is the console's alone.
        Directory.CreateDirectory(output);
        File.SetUnixFileMode(output, readable | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite);
        return output;
    }

    private async Task<ProcessOutcome?> RunAsync(string root, BundleOrder order, CancellationToken cancellation)
    {
        // Without root's rights the same is had inside a user namespace, where the kernel allows those.
        var user = Environment.IsPrivilegedProcess ? (string[])["--setuid", Nobody, "--setgid", Nobody] : ["--user", "--map-root-user"];
        var spec = new ProcessSpec(PrLimit,
        [
            "--cpu=30", "--data=1610612736", $"--fsize={MostOutput}", "--nofile=1024", "--core=0", "--",
            Unshare, "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child", "--mount", .. user, $"--root={root}", "--wd=/project", "--", "/esbuild", .. Arguments(order),
        ])
        { Environment = new Dictionary<string, string> { ["GOMEMLIMIT"] = "1GiB" }, Timeout = Longest, Grace = TimeSpan.FromMilliseconds(1) };
        try { return await processes.RunAsync(spec, cancellation); }
        catch (TimeoutException) { return null; }
    }

    private static IEnumerable<string> Arguments(BundleOrder order)
    {
        yield return "./" + order.Main;
        foreach (var fixedOne in (string[])
        [
            "--bundle", "--format=esm", "--target=es2024", "--outfile=/out/index.js", "--conditions=workerd,worker,browser", "--main-fields=browser,module,main", "--external:cloudflare:*", "--external:workerd:*",
            "--external:node:*", "--define:process.env.NODE_ENV=\"production\"", "--define:global.process.env.NODE_ENV=\"production\"", "--keep-names", "--loader:.js=jsx", "--loader:.mjs=jsx", "--loader:.cjs=jsx", "--loader:.wasm=copy",
            "--loader:.bin=copy", "--loader:.txt=text", "--loader:.html=text", "--loader:.sql=text", "--log-level=error", "--log-limit=20", "--color=false",
        ])
            yield return fixedOne;
        if (order.Minify) yield return "--minify";
        if (order.NodeCompat)
            foreach (var module in Node.Where(m => !order.Alias.ContainsKey(m))) yield return $"--alias:{module}=node:{module}";
        foreach (var (name, value) in order.Define) yield return $"--define:{name}={value}";
        foreach (var (name, value) in order.Alias) yield return $"--alias:{name}={value}";
    }

    private static List<FieldError> Mistakes(string said)
    {
        var found = Mistake().Matches(said).Select(m => m.Groups["file"].Success
            ? new FieldError($"modules[{m.Groups["file"].Value.Trim()}]", $"Line {m.Groups["line"].Value}, character {int.Parse(m.Groups["column"].Value, System.Globalization.CultureInfo.InvariantCulture) + 1}: {m.Groups["what"].Value}.", Remedy(m.Groups["what"].Value))
            : new FieldError("modules", m.Groups["what"].Value + ".", Remedy(m.Groups["what"].Value))).ToList();
        return found.Count > 0 ? found : [new("modules", $"The compiler refused it: {(said.Length > 300 ? said[..300] : said).Trim()}", "Correct the project.")];
    }

    private static string Remedy(string what) => what.StartsWith("Could not resolve", StringComparison.Ordinal)
        ? "Send that file too; packages come with the folder's node_modules. For modules of Node.js set the compatibility flag nodejs_compat." : "Correct it and send it again.";

    private static Result<IReadOnlyList<UploadedFile>> Collect(string output)
    {
        var main = new FileInfo(Path.Combine(output, "index.js"));
        // The folder was a stranger's for a while: nothing is followed out of it.
        var files = new DirectoryInfo(output).EnumerateFiles().Where(f => f.LinkTarget is null && ModuleCheck.KindOf(f.Name) is not null).ToList();
        if (main is not { Exists: true, LinkTarget: null }) return Problem.Invalid("mainModule", "Compiling made no module.", "Name a main module that exports something.");
        return files.OrderBy(f => f.Name == main.Name ? 0 : 1).ThenBy(f => f.Name, StringComparer.Ordinal).Select(f => new UploadedFile(f.Name, File.ReadAllBytes(f.FullName))).ToList();
    }
}
