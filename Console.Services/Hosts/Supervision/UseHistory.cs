using System.Collections.Concurrent;

namespace Quarterdeck.Hosts.Supervision;

/// <summary>The use of a host's VMs over the last hour, in memory only: bounded by an hour's samples for each VM that ran in it.</summary>
internal sealed class UseHistory
{
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);
    private readonly ConcurrentDictionary<Guid, Track> _tracks = new();

    /// <summary>Adds one reading of all running VMs.</summary>
    public void Add(DateTimeOffset at, IReadOnlyList<DomainCounters> counters)
    {
        foreach (var counter in counters) _tracks.GetOrAdd(counter.Uuid, _ => new Track()).Add(at, counter);
        foreach (var (domain, track) in _tracks)
            if (track.LastAt < at - Kept) _tracks.TryRemove(domain, out _);
    }

    /// <summary>The samples of a domain, oldest first.</summary>
    public IReadOnlyList<VmSample> Of(Guid domain) => _tracks.TryGetValue(domain, out var track) ? track.Samples() : [];

    /// <summary>How many VMs have samples.</summary>
    public int Count => _tracks.Count;

    private sealed class Track
    {
        private readonly Queue<VmSample> _samples = new();
        private DomainCounters? _last;

        public DateTimeOffset LastAt { get; private set; }

        public void Add(DateTimeOffset at, DomainCounters now)
        {
            lock (_samples)
            {
                // Counters that fall belong to a new run: a rate across the two would be nonsense.
                if (_last is { } last && now.CpuNanoseconds >= last.CpuNanoseconds && at > LastAt)
                {
                    var seconds = (at - LastAt).TotalSeconds;
                    var cpu = (now.CpuNanoseconds - last.CpuNanoseconds) / 1e7 / seconds / Math.Max(1, now.Vcpus);
                    _samples.Enqueue(new VmSample(at, Math.Round(Math.Min(cpu, 100), 1), now.MemoryBytes,
                        Rate(last.DiskReadBytes, now.DiskReadBytes, seconds), Rate(last.DiskWriteBytes, now.DiskWriteBytes, seconds),
                        Rate(last.NetworkReceiveBytes, now.NetworkReceiveBytes, seconds), Rate(last.NetworkSendBytes, now.NetworkSendBytes, seconds)));
                }
                (_last, LastAt) = (now, at);
                while (_samples.TryPeek(out var oldest) && oldest.At < at - Kept) _samples.Dequeue();
            }
        }

        public IReadOnlyList<VmSample> Samples()
        {
            lock (_samples) return [.. _samples];
        }

        private static double Rate(ulong before, ulong now, double seconds) => now < before ? 0 : Math.Round((now - before) / seconds);
    }
}
