namespace Quarterdeck.Workers;

/// <summary>How a request to a worker ended, as the front saw it. Append only: stored by name.</summary>
public enum RequestOutcome
{
    /// <summary>The worker answered, whatever its status.</summary>
    Ok,

    /// <summary>The worker threw and answered nothing of its own.</summary>
    Exception,

    /// <summary>Ended because a limit was hit; <see cref="WorkerFigures.RecordLimit"/> says which.</summary>
    Limit,

    /// <summary>Its compute server ended or was not there, and the request could not be sent again.</summary>
    Unavailable,

    /// <summary>The worker's code could not be loaded.</summary>
    NotLoaded,

    /// <summary>The client went away before the answer was complete. Not the worker's error.</summary>
    Canceled,
}

/// <summary>A limit that a worker ran into. Append only: stored by name.</summary>
public enum WorkerLimitKind
{
    /// <summary>Processor time of one turn.</summary>
    Cpu,

    /// <summary>Processor time per second, over many requests.</summary>
    CpuRate,

    /// <summary>The heap of its isolate.</summary>
    Heap,

    /// <summary>Array buffers outside the heap.</summary>
    Buffers,

    /// <summary>Time from a request's start to the end of its answer.</summary>
    Wall,

    /// <summary>Requests that one request may make in all.</summary>
    Subrequests,

    /// <summary>Requests that one request may have open at once.</summary>
    ConcurrentSubrequests,

    /// <summary>Bytes of a request's body.</summary>
    RequestSize,

    /// <summary>Bytes of an answer's body.</summary>
    ResponseSize,

    /// <summary>Time to load and to start.</summary>
    Startup,
}
