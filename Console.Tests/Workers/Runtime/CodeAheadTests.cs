using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Tests.Workers.Runtime;

/// <summary>Code of new deployments is in memory before anybody asks for it.</summary>
public sealed class CodeAheadTests : IWorkerCodeSource
{
    private readonly ConcurrentQueue<WorkerKey> _read = new();
    private readonly WorkerTable _table = new();
    private readonly List<DeployedWorker> _workers = [];
    private long _sequence;

    [Fact]
    public async Task What_is_deployed_is_read_and_what_was_there_before_is_not()
    {
        Deploy(1);
        var packages = new CodePackages(this, Options.Create(new WorkersOptions()), TimeProvider.System, NullLogger<CodePackages>.Instance);
        var ahead = new CodeAhead(_table, packages);
        await ahead.StartAsync(default);
        Deploy(2);
        await ComputeNode.Until(() => packages.Find(new WorkerKey(2, 1)) is not null, "the new one is in memory");
        for (var serial = 100; serial < 200; serial++) _workers.Add(Worker(serial));
        Deploy(3);
        Deploy(4, new WorkerKey(4, 404)); // its code is gone: nothing to read, and nothing breaks
        Deploy(5);
        await ComputeNode.Until(() => packages.Find(new WorkerKey(5, 1)) is not null, "the next one is in memory");
        await ComputeNode.Until(() => _read.Contains(new WorkerKey(4, 404)), "it was asked for");
        _read.Order(Comparer<WorkerKey>.Create((a, b) => a.Serial.CompareTo(b.Serial))).ToArray().ShouldBe([new WorkerKey(2, 1), new WorkerKey(4, 404), new WorkerKey(5, 1)], "neither what was there at the start nor a hundred at once");
        await ahead.StopAsync(default);
    }

    Task<WorkerCode?> IWorkerCodeSource.LoadAsync(WorkerKey key, CancellationToken cancellation)
    {
        _read.Enqueue(key);
        return Task.FromResult(key.Version == 404 ? null : ComputeNode.Code(key, "export default {}"));
    }

    private void Deploy(long serial, WorkerKey? key = null)
    {
        _workers.Add(Worker(serial, key));
        _table.Swap(new WorkerTableSnapshot(++_sequence, _workers.ToDictionary(w => w.Serial), new Dictionary<string, TableZone>()), e => throw e);
    }

    private static DeployedWorker Worker(long serial, WorkerKey? key = null)
    {
        var version = key ?? new WorkerKey(serial, 1);
        return new DeployedWorker(serial, $"w{serial}", WorkerTier.Shared, [new DeployedVersion(version, version.ToString(), 100, WorkerLimits.Usual, null, WorkerTriggers.None)], null, null, 1, DateTimeOffset.UnixEpoch);
    }
}
