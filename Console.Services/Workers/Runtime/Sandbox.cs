using System.Globalization;
using Microsoft.Extensions.Logging;
using Quarterdeck.Platform.Processes;

namespace Quarterdeck.Workers.Runtime;

/// <summary>How far compute servers can be walled in on this machine.</summary>
internal enum SandboxKind
{
    /// <summary>As root: namespaces, a user of its own.</summary>
    Full,
    /// <summary>Without root, where the kernel lets users make namespaces: the same walls, but the console's own user.</summary>
    UserNamespace,
    /// <summary>No namespaces: no new privileges, nothing else.</summary>
    None,
}

/// <summary>Starts programs behind walls (sandbox.sh): no network, a read-only view of the system, own user, no privileges.</summary>
internal sealed partial class Sandbox(ProcessRunner processes, ILogger<Sandbox> logger)
{
    private const string Unshare = "/usr/bin/unshare";
    private static readonly string Script = RuntimeFiles.Read("sandbox.sh");

    private Task<SandboxKind>? _kind;

    /// <summary>Tries once what this machine allows, by really doing it.</summary>
    public Task<SandboxKind> KindAsync() => _kind ??= ProbeAsync();

    /// <summary>The program of a compute server.</summary>
    /// <param name="kind">From <see cref="KindAsync"/>.</param>
    /// <param name="folders">Where it lives.</param>
    /// <param name="binary">Real path of workerd.</param>
    /// <param name="library">Preloaded; null for none.</param>
    /// <param name="environment">Of workerd itself, without LD_PRELOAD.</param>
    /// <param name="user">Its user id where it gets one of its own.</param>
    /// <param name="cgroups">Files that the process writes itself into first.</param>
    /// <param name="arguments">Of workerd.</param>
    /// <param name="data">A folder of its own that outlives it; null for none.</param>
    public static ProcessSpec Wrap(
        SandboxKind kind, ServerFolders folders, string binary, string? library, IReadOnlyDictionary<string, string> environment, int user, IReadOnlyList<string> cgroups, IReadOnlyList<string> arguments,
        ObjectFolder? data = null)
    {
        if (kind is SandboxKind.None)
        {
            var all = new Dictionary<string, string>(environment);
            if (library is not null) all["LD_PRELOAD"] = library;
            string[] alone = data is null ? [] : ["/usr/bin/flock", "--no-fork", "--nonblock", "--conflict-exit-code", "75", Path.Combine(data.Path, "lock")];
            return new ProcessSpec("/usr/bin/setpriv", ["--no-new-privs", "--", "/usr/bin/env", .. all.Select(v => $"{v.Key}={v.Value}"), .. alone, binary, .. arguments]);
        }
        string[] space = kind is SandboxKind.UserNamespace ? ["--user", "--map-root-user"] : [];
        return new ProcessSpec(Unshare,
        [
            .. space, "--net", "--mount", "--ipc", "--uts", "--propagation", "private", "--", "/bin/sh", "-c", Script, "sandbox.sh",
            folders.Io, folders.Root, binary, library ?? "", kind is SandboxKind.Full ? user.ToString(CultureInfo.InvariantCulture) : "", string.Join(' ', cgroups),
            data?.Path ?? "", data?.MostFileKiB.ToString(CultureInfo.InvariantCulture) ?? "",
            "/usr/bin/env", .. environment.Select(v => $"{v.Key}={v.Value}"), "/workerd", .. arguments,
        ]) { Environment = new Dictionary<string, string> { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin" } };
    }

    private async Task<SandboxKind> ProbeAsync()
    {
        var reason = $"There is no {Unshare}.";
        if (File.Exists(Unshare))
        {
            foreach (var kind in Environment.IsPrivilegedProcess ? (SandboxKind[])[SandboxKind.Full] : [SandboxKind.UserNamespace])
            {
                if (await TryAsync(kind) is not { } refused) return kind;
                reason = refused;
            }
        }
        Log.Unwalled(logger, reason);
        return SandboxKind.None;
    }

    private async Task<string?> TryAsync(SandboxKind kind)
    {
        var folder = Directory.CreateTempSubdirectory("qd-walls-").FullName;
        try
        {
            var folders = ServerFolders.Make(folder);
            var outcome = await processes.RunAsync(Wrap(kind, folders, "/usr/bin/true", null, new Dictionary<string, string>(), 65533, [], []) with { Timeout = TimeSpan.FromSeconds(20) }, CancellationToken.None);
            return outcome.Ok ? null : outcome.Error.Trim();
        }
        catch (Exception e) when (e is TimeoutException or Quarterdeck.Platform.ProblemException) { return e.Message; }
        finally { Directory.Delete(folder, recursive: true); }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Compute servers run without namespaces, so only workerd itself keeps workers from the machine: {Reason} As root, with the package util-linux, they are walled in.")]
        public static partial void Unwalled(ILogger logger, string reason);
    }
}
