using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Runtime;

/// <summary>A compute server that runs candidates, one at a time. Its end is nobody's strike.</summary>
internal sealed class CheckServer
{
    // Above every version that there will be, so that none is taken for another.
    private const int FirstVersion = 900_000_000;

    private volatile CodePackage? _candidate;
    private int _checks;

    public CheckServer(ServerParts parts, string id, int heapMiB, long memoryBytes, int user)
    {
        (HeapMiB, MemoryBytes) = (heapMiB, memoryBytes);
        Process = new ServerProcess(parts, new ServerSetup(id, WorkerTier.Cordon, null, heapMiB, memoryBytes, null, user, LoadAsync), _ => Task.CompletedTask, restarts: false);
    }

    public ServerProcess Process { get; }

    public int HeapMiB { get; }

    public long MemoryBytes { get; }

    /// <summary>Whose code it let pass before; null when it served nobody yet.</summary>
    public long? Serial { get; private set; }

    /// <summary>Gives out this code from now on, under a key that no version has.</summary>
    public WorkerKey Offer(WorkerCode code)
    {
        var candidate = code with { Key = new WorkerKey(code.Key.Serial, FirstVersion + _checks++) };
        _candidate = CodePackage.Of(candidate);
        return candidate.Key;
    }

    /// <summary>Keeps it for more code of this worker; what it holds of the last is unloaded.</summary>
    public CheckServer For(long serial)
    {
        Serial = serial;
        if (_candidate is { } passed) _ = Process.EvictAsync(passed.Key.ToString(), CancellationToken.None);
        return this;
    }

    private Task<CodePackage> LoadAsync(WorkerKey key, CancellationToken cancellation) =>
        _candidate is { } candidate && candidate.Key == key ? Task.FromResult(candidate) : throw new ProblemException(Problem.NotFound("version in this check", key));
}
