using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Quarterdeck.Hosts.Libvirt;

/// <summary>libvirt's event loop: one a process, on one thread, running before the first connection opens.</summary>
/// <remarks>
/// The state is static because libvirt's is. The loop reads sockets without blocking, sends keepalives and calls back;
/// callbacks only take notes, because a libvirt call made from one would wait for the loop that runs it.
/// </remarks>
internal static unsafe class LibvirtLoop
{
    private static readonly Lock Gate = new();
    private static bool _started;

    /// <summary>Starts the loop, once.</summary>
    /// <exception cref="HypervisorException">libvirt's client library is missing or does not start.</exception>
    public static void Start()
    {
        lock (Gate)
        {
            if (_started) return;
            try
            {
                Native.virSetErrorFunc(null, &Quiet); // else libvirt prints every error on stderr
                LibvirtError.Check(Native.virInitialize(), "start libvirt");
                LibvirtError.Check(Native.virEventRegisterDefaultImpl(), "start libvirt's event loop");
                // Without a timeout the loop can sleep past a handle that another thread adds.
                LibvirtError.Check(Native.virEventAddTimeout(500, &Tick, null, null), "start libvirt's event loop");
            }
            catch (DllNotFoundException missing)
            {
                throw new HypervisorException(HypervisorError.Disconnected, "load libvirt's client library",
                    "libvirt.so.0 is not installed. Install it, such as by: apt-get install libvirt-daemon-system.", missing);
            }
            new Thread(Run, 256 * 1024) { IsBackground = true, Name = "libvirt-events" }.Start();
            _started = true;
        }
    }

    private static void Run()
    {
        while (true)
            if (Native.virEventRunDefaultImpl() < 0) Thread.Sleep(100);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Quiet(void* user, Native.VirError* error)
    {
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Tick(int timer, void* opaque)
    {
    }
}
