using Quarterdeck.Hosts;

namespace Quarterdeck.Web.Hosts;

/// <summary>What hosts and their guests are called on pages.</summary>
internal static class HostWords
{
    /// <summary>What runs the guests, in a word or two.</summary>
    public static string Acceleration(Acceleration acceleration) => acceleration switch
    {
        Quarterdeck.Hosts.Acceleration.Kvm => "KVM",
        Quarterdeck.Hosts.Acceleration.Emulation => "emulation",
        Quarterdeck.Hosts.Acceleration.Mock => "nothing (test driver)",
        _ => "not known yet",
    };

    /// <summary>The host a form begins with: a connected one where guests really run, else any connected one, else any.</summary>
    public static HostInfo? Likely(IReadOnlyList<HostInfo> hosts) =>
        hosts.OrderBy(h => h.State is not HostState.Connected).ThenBy(h => h.Uri.StartsWith("test:", StringComparison.Ordinal)).FirstOrDefault();

    /// <summary>Address and an explanation of each kind of URI that the allow-list takes.</summary>
    public static IReadOnlyList<(string Uri, string Meaning)> UriKinds { get; } =
    [
        ("qemu:///system", "this machine"),
        ("qemu+ssh://root@kvm-a.example/system", "another machine by SSH; the console's user needs a key there"),
        ("qemu+tls://kvm-a.example/system", "another machine by TLS with libvirt's certificates"),
        ("qemu+tcp://127.0.0.1/system", "a tunnel that ends on this machine; loopback only"),
        ("qemu+unix:///system?socket=/run/libvirt/libvirt-sock", "a named socket on this machine"),
        ("test:///default", "libvirt's mock driver, for trying things out"),
    ];
}
