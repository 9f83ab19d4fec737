using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>Notices the first power-off of appliances that are no plug-ins: their guests have read the passwords by then, and the environment is sealed.</summary>
/// <remarks>A reboot is no power-off: appliances that restart themselves while they set themselves up still find everything.</remarks>
internal sealed partial class FirstPowerOff(ApplianceStore store, HostConnections hosts, OperationQueue queue, TimeProvider time, IOptions<AppliancesOptions> options, ILogger<FirstPowerOff> logger) : BackgroundService
{
    // What was queued already, so that a host that is slow to answer does not collect operations.
    private readonly ConcurrentDictionary<Guid, byte> _queued = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.PowerOffLook, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try { await LookAsync(stoppingToken); }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested) { Log.Failed(logger, e); }
        }
    }

    internal async Task LookAsync(CancellationToken cancellation)
    {
        foreach (var row in await store.OpenAsync(cancellation))
        {
            var located = await hosts.LocateAsync(row.VmId, cancellation);
            if (located.Problem is not null) continue; // gone, or its host is away
            if (located.Value.Vm.State is not (VmState.Off or VmState.Crashed))
            {
                _queued.TryRemove(row.Id, out _);
                await store.StartedAsync(row.Id, cancellation);
            }
            else if (await store.HasStartedAsync(row.Id, cancellation) && _queued.TryAdd(row.Id, 0))
            {
                await queue.EnqueueAsync(Caller.System, SealHandler.Sealing(row, asked: false), cancellation);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The power of appliances could not be looked at.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
