using System.Diagnostics;

namespace Quarterdeck.Bench;

/// <summary>A link of a given speed between this machine and a network namespace of its own.</summary>
internal sealed class ShapedLink : IAsyncDisposable
{
    private readonly string _name = "qdb" + Guid.NewGuid().ToString("N")[..6];

    private ShapedLink() { }

    /// <summary>The far end's address.</summary>
    public string Address => "198.18.77.2"; // of the network that is set aside for benchmarks

    /// <summary>Makes one.</summary>
    public static async Task<ShapedLink> MakeAsync(string rate, CancellationToken cancellation)
    {
        var link = new ShapedLink();
        var (near, far, space) = (link._name + "n", link._name + "f", link._name);
        foreach (var command in new[]
        {
            $"ip netns add {space}", $"ip link add {near} type veth peer name {far} netns {space}", $"ip addr add 198.18.77.1/30 dev {near}", $"ip link set {near} up",
            $"nsenter --net=/run/netns/{space} ip addr add 198.18.77.2/30 dev {far}", $"nsenter --net=/run/netns/{space} ip link set {far} up",
            $"nsenter --net=/run/netns/{space} tc qdisc add dev {far} root tbf rate {rate} burst 512kb latency 50ms",
        })
            await Tools.RunAsync("bash", ["-c", command], cancellation);
        return link;
    }

    /// <summary>Starts a program at the far end.</summary>
    public Process Start(string program, IReadOnlyList<string> arguments) => Process.Start(new ProcessStartInfo("nsenter", [$"--net=/run/netns/{_name}", program, .. arguments]) { RedirectStandardError = true })!;

    public async ValueTask DisposeAsync()
    {
        await Tools.RunAsync("bash", ["-c", $"ip link del {_name}n; ip netns del {_name}"], CancellationToken.None);
    }
}
