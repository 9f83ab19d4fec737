namespace Quarterdeck.Workers;

/// <summary>What a version may use. docs/workers.md tells which part of the platform holds each, and how finely.</summary>
/// <param name="CpuMs">CPU of one turn of the isolate, milliseconds.</param>
/// <param name="CpuPercent">CPU over 10 s, per cent of one core.</param>
/// <param name="MemoryMiB">JavaScript heap of one isolate.</param>
/// <param name="BuffersMiB">Array buffers and WASM memory of one isolate, which lie outside the heap.</param>
/// <param name="WallMs">From a request's arrival to the end of its response, milliseconds.</param>
/// <param name="ConcurrentSubrequests">Subrequests of one request that are open at once.</param>
/// <param name="Subrequests">Subrequests of one request in all.</param>
/// <param name="RequestBytes">Body of a request.</param>
/// <param name="ResponseBytes">Body of a response; 0 for no limit.</param>
/// <param name="CodeBytes">All modules together; static assets do not count.</param>
/// <param name="StartupMs">CPU from loading to the first answer, milliseconds.</param>
public sealed record WorkerLimits(
    int CpuMs, int CpuPercent, int MemoryMiB, int BuffersMiB, int WallMs, int ConcurrentSubrequests, int Subrequests, long RequestBytes, long ResponseBytes, long CodeBytes, int StartupMs)
{
    /// <summary>What applies where nothing was said, until an administrator sets other defaults.</summary>
    public static WorkerLimits Usual { get; } = new(
        CpuMs: 100, CpuPercent: 50, MemoryMiB: 128, BuffersMiB: 64, WallMs: 30_000, ConcurrentSubrequests: 6, Subrequests: 50,
        RequestBytes: 100L << 20, ResponseBytes: 0, CodeBytes: 10L << 20, StartupMs: 400);

    /// <summary>What no worker gets more of, until an administrator sets other ceilings.</summary>
    public static WorkerLimits Most { get; } = new(
        CpuMs: 30_000, CpuPercent: 100, MemoryMiB: 512, BuffersMiB: 512, WallMs: 900_000, ConcurrentSubrequests: 64, Subrequests: 10_000,
        RequestBytes: 1L << 30, ResponseBytes: 0, CodeBytes: 64L << 20, StartupMs: 5_000);

    /// <summary>The smaller of each: how a lowered ceiling reaches versions that were made before.</summary>
    public WorkerLimits Within(WorkerLimits ceiling) => new(
        Math.Min(CpuMs, ceiling.CpuMs), Math.Min(CpuPercent, ceiling.CpuPercent), Math.Min(MemoryMiB, ceiling.MemoryMiB), Math.Min(BuffersMiB, ceiling.BuffersMiB), Math.Min(WallMs, ceiling.WallMs),
        Math.Min(ConcurrentSubrequests, ceiling.ConcurrentSubrequests), Math.Min(Subrequests, ceiling.Subrequests), Math.Min(RequestBytes, ceiling.RequestBytes),
        ceiling.ResponseBytes == 0 ? ResponseBytes : ResponseBytes == 0 ? ceiling.ResponseBytes : Math.Min(ResponseBytes, ceiling.ResponseBytes),
        Math.Min(CodeBytes, ceiling.CodeBytes), Math.Min(StartupMs, ceiling.StartupMs));
}

/// <summary>Limits as they are asked for: what is null takes the default.</summary>
/// <param name="CpuMs">See <see cref="WorkerLimits"/>, here and below.</param>
/// <param name="CpuPercent">Per cent of one core.</param>
/// <param name="MemoryMiB">Heap.</param>
/// <param name="BuffersMiB">Array buffers.</param>
/// <param name="WallMs">Wall time.</param>
/// <param name="ConcurrentSubrequests">Open at once.</param>
/// <param name="Subrequests">In all.</param>
/// <param name="RequestBytes">Body of a request.</param>
/// <param name="ResponseBytes">Body of a response.</param>
/// <param name="CodeBytes">Modules.</param>
/// <param name="StartupMs">Start-up.</param>
public sealed record WantedLimits(
    int? CpuMs = null, int? CpuPercent = null, int? MemoryMiB = null, int? BuffersMiB = null, int? WallMs = null, int? ConcurrentSubrequests = null, int? Subrequests = null,
    long? RequestBytes = null, long? ResponseBytes = null, long? CodeBytes = null, int? StartupMs = null);

/// <summary>What the administrator set for all workers.</summary>
/// <param name="Defaults">Limits of versions that name none.</param>
/// <param name="Ceilings">Most that any version gets; lowering one reaches versions that run already.</param>
/// <param name="TrustedRole">Who deploys into the shared shards: callers with this role or more. What others deploy starts in a cordon.</param>
public sealed record WorkerPolicy(WorkerLimits Defaults, WorkerLimits Ceilings, Quarterdeck.Access.Role TrustedRole)
{
    /// <summary>What applies until an administrator sets something.</summary>
    public static WorkerPolicy Usual { get; } = new(WorkerLimits.Usual, WorkerLimits.Most, Quarterdeck.Access.Role.Administrator);
}
