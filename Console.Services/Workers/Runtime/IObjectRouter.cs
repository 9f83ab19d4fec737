using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Knows where durable objects are. Nothing that is asked often touches the database.</summary>
internal interface IObjectRouter
{
    /// <summary>The worker whose objects a namespace has.</summary>
    /// <param name="key">The namespace.</param>
    /// <param name="caller">Who wants to call: refused unless its version has a binding to it.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    Task<Result<long>> OwnerAsync(string key, WorkerKey caller, CancellationToken cancellation);

    /// <summary>Which versions run a namespace's objects now.</summary>
    Task<Result<ObjectVersions>> VersionsAsync(string key, long serial, CancellationToken cancellation);

    /// <summary>A connection to the one process that has a worker's objects, on whatever node; starts it when it is this one's.</summary>
    /// <param name="serial">Whose objects.</param>
    /// <param name="link">What it is for.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="ProblemException">It cannot be reached; the message tells why.</exception>
    Task<Stream> ConnectAsync(long serial, ObjectLink link, CancellationToken cancellation);

    /// <summary>Why a worker's objects can store no more; null when they can.</summary>
    string? Full(long serial);

    /// <summary>Notes that objects of a worker want to be woken, so that their process runs whenever this node does.</summary>
    Task WakeAsync(long serial, CancellationToken cancellation);
}

/// <summary>What a connection to the process of objects is for.</summary>
internal enum ObjectLink
{
    /// <summary>Calls of methods, which share it for as long as both sides live.</summary>
    Calls,
    /// <summary>A request at a time, which may be a web socket.</summary>
    Streams,
    /// <summary>The console's own questions.</summary>
    Admin,
}

/// <summary>What runs the objects of a namespace.</summary>
/// <param name="Class">Name of the class now.</param>
/// <param name="Versions">Keys and shares that make 100.</param>
/// <param name="At">Grows with each change of any deployment.</param>
internal sealed record ObjectVersions(string Class, IReadOnlyList<(string Key, int Percent)> Versions, long At);
