namespace Quarterdeck.Workers;

/// <summary>Settings of one node's compute servers, under <c>Quarterdeck:Workers:Servers</c>.</summary>
public sealed class ComputeServerOptions
{
    /// <summary>Whether this node runs workers at all.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Absolute path of the workerd binary; null for the one that the build restored.</summary>
    public string? Workerd { get; set; }

    /// <summary>Shared shards; 0 for one a core.</summary>
    public int Shards { get; set; }

    /// <summary>Most heap of one isolate in a shared shard, MiB; V8 ends the whole process of an isolate that passes it unless the guard ended its turn before.</summary>
    public int HeapMiB { get; set; } = 128;

    /// <summary>Memory of a shared shard's cgroup, MiB; 0 for half of the machine's, divided by the shards.</summary>
    public int ShardMiB { get; set; }

    /// <summary>Memory of a cordon's cgroup, MiB.</summary>
    public int CordonMiB { get; set; } = 384;

    /// <summary>Threads and processes of a compute server's cgroup.</summary>
    public int MaxThreads { get; set; } = 96;

    /// <summary>Whether the native guard is put into processes of a workerd that it knows; without it the watchdog alone holds the limits, by ending processes.</summary>
    public bool Guard { get; set; } = true;

    /// <summary>Milliseconds between two pings of a compute server.</summary>
    public int PingMs { get; set; } = 100;

    /// <summary>CPU milliseconds that a compute server may spend without any answer, beyond the longest turn that its workers are allowed; then it is killed.</summary>
    public int StuckMs { get; set; } = 150;

    /// <summary>Seconds after which a compute server that does not answer is killed even if it used no CPU.</summary>
    public int SilentSeconds { get; set; } = 20;

    /// <summary>Minutes without a request after which an isolate is unloaded.</summary>
    public int IdleMinutes { get; set; } = 30;

    /// <summary>Minutes without a request after which a cordon's process is ended; it starts again with the next.</summary>
    public int CordonIdleMinutes { get; set; } = 10;

    /// <summary>MiB of code that the node keeps in memory, so that isolates can be loaded while the store is away.</summary>
    public int CodeCacheMiB { get; set; } = 256;

    /// <summary>First of the user ids that compute servers run as; 4096 from there must belong to nobody.</summary>
    public int FirstUser { get; set; } = 1_960_000;

    /// <summary>Networks besides the public Internet that workers may reach, such as <c>10.20.0.0/16</c>.</summary>
    public IList<string> AllowedNetworks { get; set; } = [];

    /// <summary>Most bytes of one subrequest's response.</summary>
    public long SubresponseBytes { get; set; } = 1L << 30;

    /// <summary>Seconds that a subrequest may take until its response begins.</summary>
    public int SubrequestSeconds { get; set; } = 60;
}
