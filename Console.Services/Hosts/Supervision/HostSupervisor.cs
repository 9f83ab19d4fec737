using Microsoft.Extensions.Logging;
using Quarterdeck.Events;
using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Hosts.Libvirt;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts.Supervision;

/// <summary>Keeps one host connected and its mirror true: connects with back-off, reads the inventory once, follows events, notices silence.</summary>
internal sealed partial class HostSupervisor(
    HostSession session, Func<string, Result<HostUri>> check, IHypervisorDriver driver, HostStore store, EventStream<HostInfo> events,
    HostsOptions options, TimeProvider time, ILogger<HostSupervisor> logger)
{
    private static readonly TimeSpan SlowOpen = TimeSpan.FromSeconds(4), GiveUpOpen = TimeSpan.FromSeconds(60), TidyUp = TimeSpan.FromSeconds(4);

    /// <summary>Runs until it is stopped; nothing that a host does ends it.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var reason = await FollowAsync(await OpenAsync(stop), () => failures = 0, stop);
                if (stop.IsCancellationRequested) return;
                await SayAsync(session.Facts with { Connected = false, Problem = $"{reason} The console keeps trying to reconnect.", SeenAt = time.GetUtcNow() }, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                var problem = e is ProblemException expected ? expected.Problem.Detail : e.Message;
                Log.NotReached(logger, e is ProblemException ? null : e, session.Name, problem);
                await SayAsync(session.Facts with { Connected = false, Problem = problem }, stop);
            }
            session.Tried = true;
            failures++;
            var most = Math.Min(options.BackOffMilliseconds, 250 * (1 << Math.Min(failures, 10)));
            // Jitter, so that many hosts behind one that failed are not all tried in the same moment.
            try { await session.WaitAsync(TimeSpan.FromMilliseconds(most * (0.7 + 0.3 * Random.Shared.NextDouble())), stop); }
            catch (OperationCanceledException) { return; }
        }
    }

    // Checked again each time: a link inside the image roots may point elsewhere by now.
    private async Task<IHypervisorLink> OpenAsync(CancellationToken stop)
    {
        if (!check(session.Uri).TryGet(out var uri, out var problem)) throw new ProblemException(problem);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var opening = driver.OpenAsync(uri.Libvirt, giveUp.Token);
        try
        {
            return await opening.WaitAsync(SlowOpen, stop);
        }
        catch (TimeoutException)
        {
            // A hung service accepts a connection and says nothing. Its answer, when it comes, is taken at once.
            await SayAsync(session.Facts with { Connected = false, Problem = "libvirt's service accepts connections but does not answer. Restart it on the host if this lasts." }, stop);
            session.Tried = true;
        }
        try
        {
            return await opening.WaitAsync(GiveUpOpen, stop);
        }
        catch (TimeoutException)
        {
            await giveUp.CancelAsync();
            throw new HypervisorException(HypervisorError.TimedOut, $"connect to {uri.Text}", $"libvirt's service did not answer within {(SlowOpen + GiveUpOpen).TotalSeconds} s.");
        }
    }

    /// <summary>Until the connection is lost; returns why.</summary>
    private async Task<string> FollowAsync(IHypervisorLink link, Action connected, CancellationToken stop)
    {
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var pulse = PulseAsync(link, lost.Token); // from the beginning: a host may hang while its inventory is read
        var work = WorkAsync(link, connected, lost.Token);
        var reason = "The console stops.";
        try
        {
            var first = await Task.WhenAny(link.Closed, pulse, work);
            if (!stop.IsCancellationRequested) reason = first == work ? await FailureOf(work) : first == pulse ? await pulse : await link.Closed;
        }
        finally
        {
            session.Link = null;
            await lost.CancelAsync();
            // When the console stops there is time to tidy up; when the host is lost, whoever waits for it must not wait longer.
            if (stop.IsCancellationRequested) await Task.WhenAny(work, Task.Delay(TidyUp, time, CancellationToken.None));
            link.Abandon(reason);
            await Task.WhenAll(pulse, work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return reason;
    }

    // The work ends only by failing.
    private static async Task<string> FailureOf(Task work)
    {
        await work;
        return "The host's work ended.";
    }

    private async Task<string> PulseAsync(IHypervisorLink link, CancellationToken lost)
    {
        var limit = TimeSpan.FromMilliseconds(options.PulseLimitMilliseconds);
        while (true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(options.PulseMilliseconds), time, lost);
            try
            {
                // Twice: when this process itself was stopped for a while, the first time-out says nothing about the host.
                try { await link.PingAsync(limit, lost); }
                catch (HypervisorException slow) when (slow.Error == HypervisorError.TimedOut) { await link.PingAsync(limit, lost); }
            }
            catch (HypervisorException gone)
            {
                return gone.Error == HypervisorError.TimedOut
                    ? $"libvirt's service has not answered for {2 * limit.TotalSeconds:0.#} s. Restart it on the host if this lasts."
                    : gone.Problem.Detail;
            }
        }
    }

    private async Task WorkAsync(IHypervisorLink link, Action connected, CancellationToken lost)
    {
        var info = await link.InfoAsync(lost);
        var count = await session.Mirror.ReadAllAsync(link, lost);
        session.Link = link;
        connected();
        var version = $"{(info.Driver == "TEST" ? "libvirt's mock driver" : info.Driver)} {info.Version}, libvirt {info.LibvirtVersion}";
        await SayAsync(session.Facts with { Connected = true, Problem = null, Version = version, Cpus = info.Cpus, MemoryMiB = info.MemoryMiB, SeenAt = time.GetUtcNow() }, lost);
        session.Tried = true;
        Log.Reached(logger, session.Name, version, count);
        await Task.WhenAll(FollowChangesAsync(link, lost), SampleAsync(link, lost), RereadAsync(link, lost), ProbeAsync(link, version, lost));
    }

    private async Task FollowChangesAsync(IHypervisorLink link, CancellationToken lost)
    {
        while (true)
        {
            await link.Changes.WaitAsync(lost);
            var changed = link.Changes.Take();
            try
            {
                await session.Mirror.ReadAsync(link, changed, lost);
            }
            catch (Exception e) when (e is not OperationCanceledException && !link.Closed.IsCompleted)
            {
                // The database is away, or one call was too slow: nothing may be forgotten.
                Log.NotMirrored(logger, e, session.Name, changed.Count);
                foreach (var domain in changed) link.Changes.Add(domain);
                await Task.Delay(TimeSpan.FromSeconds(1), time, lost);
            }
        }
    }

    private async Task SampleAsync(IHypervisorLink link, CancellationToken lost)
    {
        if (link.IsMock) return;
        while (true)
        {
            try { session.History.Add(time.GetUtcNow(), await link.CountersAsync(lost)); }
            catch (HypervisorException e) { Log.NotSampled(logger, e, session.Name); }
            await Task.Delay(TimeSpan.FromSeconds(options.SampleSeconds), time, lost);
        }
    }

    private async Task RereadAsync(IHypervisorLink link, CancellationToken lost)
    {
        while (true)
        {
            await Task.Delay(TimeSpan.FromMinutes(options.RereadMinutes), time, lost);
            try
            {
                session.Mirror.Forget();
                await session.Mirror.ReadAllAsync(link, lost);
            }
            catch (Exception e) when (e is not OperationCanceledException) { Log.NotMirrored(logger, e, session.Name, -1); }
        }
    }

    private async Task ProbeAsync(IHypervisorLink link, string version, CancellationToken lost)
    {
        var known = session.Facts;
        if (known.Acceleration == Acceleration.Unknown || session.ProbedVersion != version)
        {
            var (acceleration, reason) = await new AccelerationProbe(time).RunAsync(link, lost);
            session.ProbedVersion = version;
            await SayAsync(session.Facts with { Acceleration = acceleration, AccelerationReason = reason }, lost);
            Log.Probed(logger, session.Name, acceleration, reason);
        }
        session.SetProbed(session.Facts);
    }

    /// <summary>Stores and publishes; keeps trying while the database is away, since the next call may be long after.</summary>
    private async Task SayAsync(HostFacts facts, CancellationToken cancellation)
    {
        var reachable = session.Facts.Connected != facts.Connected || !session.Said;
        if (session.Said && session.Facts == facts) return;
        session.Facts = facts;
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                if (!await store.WriteFactsAsync(session.Id, session.Facts, cancellation)) return; // removed meanwhile
                session.Said = true;
                if (await store.FindAsync(session.Id, cancellation) is { } host) events.Publish(host);
                if (reachable) await session.Mirror.PublishAllAsync(cancellation);
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.NotStored(logger, e, session.Name);
                try { await Task.Delay(TimeSpan.FromSeconds(1), time, cancellation); }
                catch (OperationCanceledException) { return; }
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Host {Host} connected: {Version}, {Count} domains")]
        public static partial void Reached(ILogger logger, string host, string version, int count);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Host {Host} is disconnected: {Problem}")]
        public static partial void NotReached(ILogger logger, Exception? exception, string host, string problem);

        [LoggerMessage(Level = LogLevel.Information, Message = "Host {Host} runs guests with {Acceleration}: {Reason}")]
        public static partial void Probed(ILogger logger, string host, Acceleration acceleration, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Changes of {Count} domains of host {Host} are not mirrored yet")]
        public static partial void NotMirrored(ILogger logger, Exception exception, string host, int count);

        [LoggerMessage(Level = LogLevel.Debug, Message = "No sample of host {Host}")]
        public static partial void NotSampled(ILogger logger, Exception exception, string host);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The state of host {Host} is not stored yet")]
        public static partial void NotStored(ILogger logger, Exception exception, string host);
    }
}
