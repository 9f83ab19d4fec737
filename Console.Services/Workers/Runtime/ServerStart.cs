using System.Diagnostics;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Workers.NativeGuard;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Puts one start of a compute server's process together: configuration, walls, guard, sockets of its own.</summary>
internal sealed class ServerStart(ServerParts parts, ServerSetup setup, ServerFolders folders, Cgroup cgroup, SandboxKind kind, GuardState guard, int generation)
{
    private static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(30);

    private bool Walled => kind is not SandboxKind.None;

    // As the process sees its folder.
    private string Seen => Walled ? "/run" : folders.Io;

    /// <summary>Where this generation takes requests.</summary>
    public string Http { get; } = Path.Combine(folders.Io, $"http-{generation}.sock");

    /// <summary>Where this generation takes the console's own calls.</summary>
    public string Admin { get; } = Path.Combine(folders.Io, $"admin-{generation}.sock");

    /// <summary>Where this generation takes calls of durable objects.</summary>
    public string Gate { get; } = Path.Combine(folders.Io, $"gate-{generation}.sock");

    /// <summary>The walls that this start has.</summary>
    public SandboxParts Walls() => new(Walled, Walled, kind is SandboxKind.Full, true, cgroup.Memory, cgroup.Processes);

    /// <summary>The guard's file; null when the guard is off.</summary>
    public GuardView? MakeView() => guard is { IsActive: true, Binary: { } binary }
        ? GuardView.Create(Path.Combine(folders.Io, "guard"), binary, new GuardLimits(WorkerLimits.Usual.CpuMs, WorkerLimits.Usual.StartupMs, WorkerLimits.Usual.CpuPercent, setup.HeapMiB, WorkerLimits.Usual.BuffersMiB)) : null;

    /// <summary>What the guard holds a version to.</summary>
    public static GuardLimits GuardLimitsOf(WorkerLimits limits) => new(limits.CpuMs, limits.StartupMs, limits.CpuPercent, limits.MemoryMiB, limits.BuffersMiB);

    /// <summary>The command that becomes workerd.</summary>
    public ProcessSpec Command(GuardView? view)
    {
        var objects = setup.Objects is { } data ? (setup.Serial!.Value, Walled ? "/data" : data.Path, data.MostBytes) : ((long, string, long)?)null;
        ServerConfig.Write(folders.Io, Seen, setup.HeapMiB, objects);
        var library = view is null ? null : guard.LibraryPath;
        var environment = new Dictionary<string, string>(library is null ? [] : guard.Environment(Path.Combine(Seen, "guard")));
        environment.Remove("LD_PRELOAD"); // the walls set it for workerd alone
        // workerd's own allocator keeps a cache for each core only where glibc leaves it the kernel's help for that; a twentieth of a request's CPU.
        environment["GLIBC_TUNABLES"] = "glibc.pthread.rseq=0";
        // The process's user owns its folder, or it could not make its sockets.
        if (kind is SandboxKind.Full)
        {
            Owner.Give(folders.Io, setup.User);
            if (setup.Objects is { } own) Owner.GiveAll(own.Path, setup.User);
        }
        return Sandbox.Wrap(kind, folders, parts.Binary.Path!, library, environment, setup.User, cgroup.Doors,
        [
            "serve", "--experimental", "-s", $"http=unix:{Path.Combine(Seen, Path.GetFileName(Http))}", "-s", $"admin=unix:{Path.Combine(Seen, Path.GetFileName(Admin))}",
            .. setup.Objects is null ? Array.Empty<string>() : ["-s", $"gate=unix:{Path.Combine(Seen, Path.GetFileName(Gate))}"],
            Path.Combine(Seen, ServerConfig.FileName),
        ], setup.Objects) with { Grace = TimeSpan.FromSeconds(1) };
    }

    /// <summary>Waits for the first answer; false when the process ended before, or said nothing for long.</summary>
    public static async Task<bool> AnswersAsync(AdminClient admin, RunningProcess process, CancellationToken cancellation)
    {
        for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < LongestStart && !process.Exited.IsCompleted;)
        {
            try
            {
                await admin.PingAsync(cancellation).WaitAsync(TimeSpan.FromSeconds(5), cancellation);
                return true;
            }
            catch (Exception e) when (e is HttpRequestException or TimeoutException) { await Task.Delay(3, cancellation); }
        }
        return false;
    }

    /// <summary>Removes its sockets.</summary>
    public void Clean()
    {
        File.Delete(Http);
        File.Delete(Admin);
        File.Delete(Gate);
    }
}
