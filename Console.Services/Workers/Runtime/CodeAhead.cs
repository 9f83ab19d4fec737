using Microsoft.Extensions.Hosting;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Reads the code of what was just deployed into memory, so that the first request for it waits for no store.</summary>
internal sealed class CodeAhead(WorkerTable table, CodePackages packages) : IHostedService
{
    // More at once is no deployment but a table that is read anew: then each waits for its first request.
    private const int Most = 16;

    private WorkerTableSnapshot _seen = WorkerTableSnapshot.Empty;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _seen = table.Current;
        table.Changed += Look;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        table.Changed -= Look;
        return Task.CompletedTask;
    }

    private void Look(WorkerTableSnapshot now)
    {
        var before = _seen;
        _seen = now;
        if (before.Sequence == 0) return;
        var deployed = now.Workers.Values.Where(w => w.Tier is not WorkerTier.Off && (!before.Workers.TryGetValue(w.Serial, out var old) || !ReferenceEquals(old, w) && old.Deployment != w.Deployment)).Take(Most + 1).ToList();
        if (deployed.Count > Most) return;
        foreach (var version in deployed.SelectMany(w => w.Versions)) _ = Task.Run(() => ReadAsync(version.Key));
    }

    private async Task ReadAsync(WorkerKey key)
    {
        try { await packages.LoadAsync(key, CancellationToken.None); }
        catch (ProblemException) { } // told in the log, and by the first request
    }
}
