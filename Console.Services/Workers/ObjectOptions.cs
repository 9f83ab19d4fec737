using System.Net;

namespace Quarterdeck.Workers;

/// <summary>Settings of one node's durable objects, under <c>Quarterdeck:Workers:Objects</c>.</summary>
public sealed class ObjectOptions
{
    /// <summary>MiB of one object's database from which on it can store no more.</summary>
    public int ObjectMiB { get; set; } = 1024;

    /// <summary>MiB that all objects of one worker may have together before none can be made or store more.</summary>
    public int WorkerMiB { get; set; } = 10_240;

    /// <summary>Address and port on which this node takes calls of its objects from other nodes, over TLS, such as <c>0.0.0.0:8790</c>; empty for none: then other nodes refuse such calls.</summary>
    public string Listen { get; set; } = "";

    /// <summary>Host and port by which other nodes reach <see cref="Listen"/>; null for the machine's name and the port that it listens on.</summary>
    public string? Address { get; set; }

    /// <summary>Where it listens; null for nowhere.</summary>
    internal IPEndPoint? EndPoint => Listen.Length > 0 && IPEndPoint.TryParse(Listen, out var at) ? at : null;

    internal void Check(List<string> errors)
    {
        if (ObjectMiB is < 1 or > 1 << 20) errors.Add($"Quarterdeck:Workers:Objects:ObjectMiB: {ObjectMiB} is not between 1 and 1048576. Example: Quarterdeck__Workers__Objects__ObjectMiB=1024");
        if (WorkerMiB is < 1 or > 1 << 26) errors.Add($"Quarterdeck:Workers:Objects:WorkerMiB: {WorkerMiB} is not between 1 and 67108864. Example: Quarterdeck__Workers__Objects__WorkerMiB=10240");
        if (Listen.Length > 0 && EndPoint is null) errors.Add($"Quarterdeck:Workers:Objects:Listen: '{Listen}' is no address with a port. Example: Quarterdeck__Workers__Objects__Listen=0.0.0.0:8790");
        if (Address is { } address && (address.LastIndexOf(':') is not (> 0 and var colon) || !ushort.TryParse(address.AsSpan(colon + 1), out _)))
            errors.Add($"Quarterdeck:Workers:Objects:Address: '{address}' is no host with a port. Example: Quarterdeck__Workers__Objects__Address=node1.example.com:8790");
    }
}
