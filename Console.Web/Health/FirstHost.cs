using Quarterdeck.Access;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Health;

/// <summary>On the very first start, makes the local libvirt the first host, so that the console shows something real at once.</summary>
/// <remarks>A file in the data folder remembers that it was done: a host that an administrator removed does not come back.</remarks>
internal sealed partial class FirstHost(HostRegistry hosts, ConsoleOptions options, IConfiguration configuration, TimeProvider time, ILogger<FirstHost> logger) : BackgroundService
{
    /// <summary>Whether there is nothing left to do.</summary>
    public bool Done { get; private set; }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var mark = Path.Combine(options.DataFolder, "first-host-added");
        var pause = TimeSpan.FromSeconds(1);
        while (!Done)
        {
            try
            {
                if (!File.Exists(mark) && configuration["Quarterdeck:Hosts:Local"] != "off")
                {
                    if (await AddAsync(stoppingToken) is { } problem) Log.Refused(logger, problem.Detail);
                    await File.WriteAllTextAsync(mark, "", stoppingToken);
                }
                Done = true;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { return; }
            catch (Exception e) // the database may be away while we start
            {
                Log.Failed(logger, pause.TotalSeconds, e);
                await Task.Delay(pause, time, stoppingToken);
                pause = TimeSpan.FromSeconds(Math.Min(30, pause.TotalSeconds * 2));
            }
        }
    }

    private async Task<Problem?> AddAsync(CancellationToken cancellation)
    {
        var present = (await hosts.ListAsync(Caller.System, new PageQuery(Size: 1), cancellation)).Value;
        if (present.Total > 0) return null;
        return (await hosts.AddAsync(Caller.System, new NewHost("local", "qemu:///system"), cancellation)).Problem;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The local libvirt was not added as a host: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);

        [LoggerMessage(LogLevel.Warning, "The local libvirt could not be added as a host; trying again in {Seconds} s")]
        public static partial void Failed(ILogger logger, double seconds, Exception e);
    }
}
