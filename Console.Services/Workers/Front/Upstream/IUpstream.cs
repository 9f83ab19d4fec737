namespace Quarterdeck.Workers.Front.Upstream;

/// <summary>What the front needs of a compute server; tests put a server of their own behind it.</summary>
internal interface IUpstream
{
    /// <inheritdoc cref="ComputeServer.SocketPath"/>
    string SocketPath { get; }

    /// <inheritdoc cref="ComputeServer.Generation"/>
    int Generation { get; }

    /// <inheritdoc cref="ComputeServer.IsUp"/>
    bool IsUp { get; }

    /// <inheritdoc cref="ComputeServer.ReadyAsync"/>
    Task ReadyAsync(CancellationToken cancellation);

    /// <inheritdoc cref="ComputeServer.Begin"/>
    RequestTicket Begin(WorkerKey key);

    /// <inheritdoc cref="ComputeServer.BlameOf"/>
    WorkerKey? BlameOf(int generation);

    /// <inheritdoc cref="ComputeServer.ReportStuck"/>
    void ReportStuck();
}

/// <summary>The compute servers of this node, as the front needs them.</summary>
internal interface IUpstreams
{
    /// <inheritdoc cref="ComputeServers.Available"/>
    bool Available { get; }

    /// <inheritdoc cref="ComputeServers.Pick"/>
    IUpstream Pick(DeployedWorker worker);

    /// <summary>Whether a version may ask for <c>request.cf</c>; also true while its code is not known here yet.</summary>
    bool ReadsFacts(WorkerKey key);
}
