using Microsoft.Extensions.Options;

namespace Quarterdeck.Workers;

/// <summary>Settings under <c>Quarterdeck:Workers</c>. Limits of workers are no setting of a node: an administrator sets them for all, on the page or by REST.</summary>
public sealed class WorkersOptions
{
    /// <summary>Most bytes of one upload with its static files, 1 MiB to 1 GiB.</summary>
    public long UploadBytes { get; set; } = 256L << 20;

    /// <summary>Versions of a worker that are kept; older ones that no deployment of the last ten names are removed. 2 to 10,000.</summary>
    public int KeepVersions { get; set; } = 200;

    /// <summary>Host names that are the console's own and can be no zone, besides those it listens on.</summary>
    public IList<string> OwnHostnames { get; set; } = [];

    /// <summary>MiB that a queue may hold before sending to it is refused, 1 to 1,048,576.</summary>
    public int QueueMiB { get; set; } = 1024;

    /// <summary>The compute servers of this node.</summary>
    public ComputeServerOptions Servers { get; set; } = new();

    /// <summary>Durable objects of this node.</summary>
    public ObjectOptions Objects { get; set; } = new();

    /// <summary>Where spans of requests go.</summary>
    public TraceOptions Traces { get; set; } = new();
}

/// <summary>Refuses settings that cannot work, when the console starts.</summary>
internal sealed class WorkersOptionsValidator : IValidateOptions<WorkersOptions>
{
    public ValidateOptionsResult Validate(string? name, WorkersOptions options)
    {
        var errors = new List<string>();
        if (options.UploadBytes is < 1 << 20 or > 1 << 30) errors.Add($"Quarterdeck:Workers:UploadBytes: {options.UploadBytes} is not between 1048576 and 1073741824. Example: Quarterdeck__Workers__UploadBytes=268435456");
        if (options.KeepVersions is < 2 or > 10_000) errors.Add($"Quarterdeck:Workers:KeepVersions: {options.KeepVersions} is not between 2 and 10000. Example: Quarterdeck__Workers__KeepVersions=200");
        if (options.QueueMiB is < 1 or > 1 << 20) errors.Add($"Quarterdeck:Workers:QueueMiB: {options.QueueMiB} is not between 1 and 1048576. Example: Quarterdeck__Workers__QueueMiB=1024");
        Servers(options.Servers, errors);
        options.Objects.Check(errors);
        if (options.Traces.Endpoint.Length > 0 && !(Uri.TryCreate(options.Traces.Endpoint, UriKind.Absolute, out var collector) && collector.Scheme is "http" or "https"))
            errors.Add($"Quarterdeck:Workers:Traces:Endpoint: '{options.Traces.Endpoint}' is no http address. Example: Quarterdeck__Workers__Traces__Endpoint=http://collector.example.com:4318");
        if (options.Traces.Ratio is not (>= 0 and <= 1)) errors.Add($"Quarterdeck:Workers:Traces:Ratio: {options.Traces.Ratio} is not between 0 and 1. Example: Quarterdeck__Workers__Traces__Ratio=0.05");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static void Servers(ComputeServerOptions servers, List<string> errors)
    {
        Between(servers.Shards, 0, 256, nameof(servers.Shards), 2);
        Between(servers.HeapMiB, 16, 4096, nameof(servers.HeapMiB), 128);
        Between(servers.ShardMiB, 0, 1 << 20, nameof(servers.ShardMiB), 4096);
        Between(servers.CordonMiB, 128, 1 << 20, nameof(servers.CordonMiB), 384);
        Between(servers.MaxThreads, 16, 4096, nameof(servers.MaxThreads), 96);
        Between(servers.PingMs, 20, 10_000, nameof(servers.PingMs), 100);
        Between(servers.StuckMs, 100, 60_000, nameof(servers.StuckMs), 150);
        Between(servers.SilentSeconds, 1, 600, nameof(servers.SilentSeconds), 20);
        Between(servers.IdleMinutes, 1, 10_080, nameof(servers.IdleMinutes), 30);
        Between(servers.CordonIdleMinutes, 1, 10_080, nameof(servers.CordonIdleMinutes), 10);
        Between(servers.CodeCacheMiB, 1, 65_536, nameof(servers.CodeCacheMiB), 256);
        Between(servers.FirstUser, 1000, int.MaxValue - 65_536, nameof(servers.FirstUser), 1_960_000);
        Between(servers.SubrequestSeconds, 1, 900, nameof(servers.SubrequestSeconds), 60);
        foreach (var network in servers.AllowedNetworks)
            if (!System.Net.IPNetwork.TryParse(network, out _)) errors.Add($"Quarterdeck:Workers:Servers:AllowedNetworks: '{network}' is no network. Example: Quarterdeck__Workers__Servers__AllowedNetworks__0=10.20.0.0/16");

        void Between(int value, int least, int most, string key, int example)
        {
            if (value < least || value > most) errors.Add($"Quarterdeck:Workers:Servers:{key}: {value} is not between {least} and {most}. Example: Quarterdeck__Workers__Servers__{key}={example}");
        }
    }
}
