using System.Reflection;
using Quarterdeck.Hosts;
using Quarterdeck.Hosts.Libvirt;

namespace Quarterdeck.Bench;

/// <summary>A hypervisor with one running VM whose user network leads to a port of this machine.</summary>
internal sealed class OneVm(int port) : IHypervisorDriver
{
    public const string Uri = "qemu:///system";

    public static readonly Guid Id = Guid.Parse("0b0b0b0b-0000-4000-8000-000000000001");

    public Task<IHypervisorLink> OpenAsync(string uri, CancellationToken cancellation)
    {
        var link = DispatchProxy.Create<IHypervisorLink, OneVmAnswers>();
        ((OneVmAnswers)link).Port = port;
        return Task.FromResult(link);
    }
}

/// <summary>Answers what a supervisor and the way to a guest ask; everything else is not to be had.</summary>
public class OneVmAnswers : DispatchProxy
{
    private static readonly DomainRecord Domain = new(OneVm.Id, "bench", VmState.Running, true, false,
        $"<domain type='qemu'><name>bench</name><uuid>{OneVm.Id}</uuid><memory>1024</memory><devices><interface type='user'><alias name='net0'/></interface></devices></domain>", new Dictionary<string, long>());

    private readonly DomainChanges _changes = new();
    private readonly TaskCompletionSource<string> _closed = new();

    /// <summary>Where the VM's port 80 is.</summary>
    public int Port { get; set; }

    /// <inheritdoc/>
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
    {
        "get_SharesFileSystem" => true,
        "get_IsMock" => false,
        "get_Changes" => _changes,
        "get_Closed" => _closed.Task,
        "Abandon" => Close(),
        "PingAsync" => Task.CompletedTask,
        "InfoAsync" => Task.FromResult(new HypervisorInfo("QEMU", "7.2.0", "9.0.0", 2, 8192, "bench")),
        "DomainsAsync" => Task.FromResult<IReadOnlyList<DomainRecord>>([Domain]),
        "DomainAsync" => Task.FromResult<DomainRecord?>(Domain),
        "CountersAsync" => Task.FromResult<IReadOnlyList<DomainCounters>>([]),
        "MonitorAsync" => Task.FromResult($"hostnet0:\n  TCP[HOST_FORWARD]  11       127.0.0.1 {Port}       10.0.2.15    80     0     0\n"),
        _ => throw new HypervisorException(HypervisorError.Unsupported, targetMethod.Name, "Not in a benchmark."),
    };

    private object? Close()
    {
        _closed.TrySetResult("The benchmark ends.");
        return null;
    }
}
