using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Workers.Egress;
using Quarterdeck.Workers.NativeGuard;

namespace Quarterdeck.Workers.Runtime;

/// <summary>What makes one compute server different from another.</summary>
/// <param name="Id">Name on this node.</param>
/// <param name="Tier">Shared, or a cordon.</param>
/// <param name="Serial">Whose cordon; null for a shared one.</param>
/// <param name="HeapMiB">Most heap of one isolate.</param>
/// <param name="MemoryBytes">Of its cgroup.</param>
/// <param name="CpuPercent">Of its cgroup, per cent of one core; null for no limit.</param>
/// <param name="User">Its user id.</param>
/// <param name="Load">Code, for versions that may run in it.</param>
/// <param name="Objects">Where the durable objects of <paramref name="Serial"/> live that it has; null when it has none.</param>
internal sealed record ServerSetup(
    string Id, WorkerTier Tier, long? Serial, int HeapMiB, long MemoryBytes, int? CpuPercent, int User, Func<WorkerKey, CancellationToken, Task<CodePackage>> Load, ObjectFolder? Objects = null);

/// <summary>The folder of one worker's durable objects.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="MostBytes">Bytes of one object's database from which on it can store no more.</param>
internal sealed record ObjectFolder(string Path, long MostBytes)
{
    /// <summary>Most KiB of a file: what objects meet that write past <see cref="MostBytes"/> in one statement, and the logs of their databases.</summary>
    public long MostFileKiB => (MostBytes >> 10) + (64 << 10);
}

/// <summary>Follows the guard of one process until disposed: <see cref="GuardPatrol.Watch"/>.</summary>
internal delegate IDisposable GuardWatch(GuardView view, Func<string, Task> evict);

/// <summary>What all compute servers of a node share.</summary>
internal sealed class ServerParts(
    IOptions<WorkersOptions> options, WorkerdBinary binary, Sandbox sandbox, RunFolder folders, ProcessRunner processes, CodePackages packages, EgressFilter egress,
    GuardLibrary guard, GuardWatch patrol, ITailSink tails, WorkerFigures figures, IEnumerable<IBindingService> bindings, TimeProvider time, ILoggerFactory loggers,
    Func<IObjectRouter>? objects = null)
{
    private readonly Dictionary<string, IBindingService> _bindings = bindings.ToDictionary(b => b.Kind);

    public ComputeServerOptions Options => options.Value.Servers;
    public WorkerdBinary Binary => binary;
    public Sandbox Sandbox => sandbox;
    public RunFolder Folders => folders;
    public ProcessRunner Processes => processes;
    public CodePackages Packages => packages;
    public GuardWatch Patrol => patrol;
    public WorkerFigures Figures => figures;
    public TimeProvider Time => time;
    public ILoggerFactory Loggers => loggers;

    /// <summary>Whether the guard works in the binary.</summary>
    public GuardState GuardFor(string path) => Options.Guard ? guard.For(path) : new GuardState(null, "It is switched off (Quarterdeck:Workers:Servers:Guard).", null);

    /// <summary>The sockets on which a server asks for code and bindings, and sends its subrequests.</summary>
    public async Task<IReadOnlyList<IAsyncDisposable>> ListenAsync(ServerSetup setup, string io, Func<CodePackage, CancellationToken, Task> handed)
    {
        var lanes = objects is null ? null : new ServerLanes(objects(), io, setup.Objects is null ? null : setup.Serial, loggers.CreateLogger<ServerLanes>());
        var host = new HostRequests(setup.Load, handed, tails, lanes is null ? _bindings : new Dictionary<string, IBindingService>(_bindings) { [lanes.Kind] = lanes }, loggers.CreateLogger<HostRequests>());
        return
        [
            await UnixServer.StartAsync(Path.Combine(io, "host.sock"), host.AnswerAsync, loggers),
            await UnixServer.StartAsync(Path.Combine(io, "net.sock"), context => egress.AnswerAsync(context, packages), loggers),
            .. lanes is null ? Array.Empty<IAsyncDisposable>() : [lanes],
        ];
    }
}
