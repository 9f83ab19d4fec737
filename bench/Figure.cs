namespace Quarterdeck.Bench;

/// <summary>One measured figure beside its peer from the same run, and the limit that it must keep.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Unit">Such as <c>ms</c>, <c>bytes</c>, <c>operations/s</c>.</param>
/// <param name="Product">Quarterdeck's value.</param>
/// <param name="PeerName">What it is compared with, such as <c>the guest's own boot</c>.</param>
/// <param name="Peer">The peer's value in the same run.</param>
/// <param name="Limit">Whether the two values are good enough.</param>
/// <param name="LimitText">The limit in words, such as <c>at most 2 s more</c>.</param>
internal sealed record Figure(string Name, string Unit, double Product, string PeerName, double Peer, Func<double, double, bool> Limit, string LimitText)
{
    /// <summary>Whether the limit is kept.</summary>
    public bool Holds => Limit(Product, Peer);

    /// <summary>One line: peer, product, ratio, limit, verdict.</summary>
    public override string ToString() =>
        $"{(Holds ? "ok  " : "FAIL")} {Name}: {PeerName} {Peer:0.###} {Unit}, Quarterdeck {Product:0.###} {Unit}, ratio {(Peer == 0 ? double.NaN : Product / Peer):0.00} (limit: {LimitText})";
}

/// <summary>Measures something; started by <c>bench/run.sh NAME</c>.</summary>
internal interface IBenchmark
{
    /// <summary>The name on the command line.</summary>
    string Name { get; }

    /// <summary>What it shows, in a sentence.</summary>
    string Description { get; }

    /// <summary>Measures; notes on the way go to standard error.</summary>
    Task<IReadOnlyList<Figure>> RunAsync(CancellationToken cancellation);
}
