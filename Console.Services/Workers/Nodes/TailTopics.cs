using System.Globalization;
using Quarterdeck.Events;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers.Nodes;

/// <summary>How nodes tell each other of watched logs; both keys are serial numbers.</summary>
internal sealed class TailTopics(WatchStore store, EventBus bus)
{
    /// <summary>Workers that other nodes watch.</summary>
    public EventStream<long> Watches { get; } = new("worker-watches", TableTopics.Key, (keys, cancellation) => store.WatchedAsync(Serials(keys), cancellation), bus);

    /// <summary>Workers of which some node reported runs.</summary>
    public EventStream<long> Runs { get; } = new("worker-runs", TableTopics.Key, (keys, _) => Task.FromResult(Serials(keys)), bus);

    public static IReadOnlyList<long> Serials(IReadOnlyList<string> keys) => [.. keys.Select(k => long.Parse(k, CultureInfo.InvariantCulture))];
}
