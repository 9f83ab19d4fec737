using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Code of versions, checked and kept in memory: a version never changes, so the store is asked once, and may be away afterwards.</summary>
internal sealed partial class CodePackages(IWorkerCodeSource source, IOptions<WorkersOptions> options, TimeProvider time, ILogger<CodePackages> logger)
{
    private readonly ConcurrentDictionary<WorkerKey, Kept> _kept = new();
    private long _bytes;

    /// <summary>What a version may use; null when its code was never asked for here.</summary>
    public WorkerLimits? LimitsOf(WorkerKey key) => _kept.TryGetValue(key, out var kept) ? kept.Package.Limits : null;

    /// <summary>Where a version's subrequests may go; null when its code was never asked for here.</summary>
    public CodePackage? Find(WorkerKey key) => _kept.TryGetValue(key, out var kept) ? kept.Package : null;

    /// <summary>The package of a version.</summary>
    /// <exception cref="ProblemException">There is none, it was changed in the store, or the store is away and it was never loaded here.</exception>
    public async Task<CodePackage> LoadAsync(WorkerKey key, CancellationToken cancellation)
    {
        if (_kept.TryGetValue(key, out var kept))
        {
            kept.Used = time.GetTimestamp();
            return kept.Package;
        }
        WorkerCode? code;
        try { code = await source.LoadAsync(key, cancellation); }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.StoreAway(logger, key, e);
            throw new ProblemException(Problem.Unavailable("The code store does not answer", $"The code of {key} cannot be read: {e.Message}"), e);
        }
        if (code is null) throw new ProblemException(Problem.NotFound("version", key));
        if (!code.IsIntact())
        {
            Log.Changed(logger, key);
            throw new ProblemException(Problem.Unavailable("The code was changed", $"What the store holds for {key} does not make the digest that was noted when the version was made. Deploy it again."));
        }
        return Keep(CodePackage.Of(code));
    }

    private CodePackage Keep(CodePackage package)
    {
        var kept = _kept.GetOrAdd(package.Key, new Kept(package) { Used = time.GetTimestamp() });
        if (ReferenceEquals(kept.Package, package) && Interlocked.Add(ref _bytes, package.Plain.Length) > (long)options.Value.Servers.CodeCacheMiB << 20) Shrink();
        return kept.Package;
    }

    private void Shrink()
    {
        // A quarter at once, so that a full cache does not sort itself for each load.
        var least = ((long)options.Value.Servers.CodeCacheMiB << 20) / 4 * 3;
        foreach (var (key, _) in _kept.OrderBy(k => k.Value.Used).ToList())
        {
            if (Interlocked.Read(ref _bytes) <= least) return;
            if (_kept.TryRemove(key, out var gone)) Interlocked.Add(ref _bytes, -gone.Package.Plain.Length);
        }
    }

    private sealed class Kept(CodePackage package)
    {
        public CodePackage Package => package;
        public long Used;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The code of {Key} cannot be read.")]
        public static partial void StoreAway(ILogger logger, WorkerKey key, Exception error);

        [LoggerMessage(LogLevel.Error, "The code of {Key} was changed in the store, and is not loaded.")]
        public static partial void Changed(ILogger logger, WorkerKey key);
    }
}
