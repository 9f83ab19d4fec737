using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Restores.Exports;

namespace Quarterdeck.Restores.Files;

/// <summary>How large a file VM may be.</summary>
/// <param name="MemoryMiB">Its memory.</param>
/// <param name="Kvm">Whether guests really run on KVM here.</param>
internal sealed record FileVmSize(int MemoryMiB, bool Kvm);

/// <summary>The QEMU of a file VM: no network, no root, nothing writable but a file without a name, and ended with the console by the kernel.</summary>
/// <remarks>Its lines are unix sockets that the console listens on and QEMU calls: no port is open on any address, and the kernel says who calls. Journals of file systems are replayed into a temporary overlay; the recovery point itself is served read-only.</remarks>
internal sealed class FileVmProcess : IAsyncDisposable
{
    private const string Qemu = "/usr/bin/qemu-system-x86_64";
    private const int LineCount = 3;
    private const long OverlayBytes = 4L << 30;
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private readonly CancellationTokenSource _end = new();
    private readonly ConsoleTail _console = new();
    private readonly List<FileVmChannel> _lines = [];
    private Task<ProcessOutcome> _process = default!;
    private string? _fault;

    /// <summary>Lines to the VM, that can be asked at the same time.</summary>
    public IReadOnlyList<FileVmChannel> Lines => _lines;

    /// <summary>Completes when the VM is gone.</summary>
    public Task Ended => _process.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    /// <summary>Starts one.</summary>
    /// <param name="runner">Starts QEMU.</param>
    /// <param name="boot">Kernel and first file system.</param>
    /// <param name="sockets">Where to listen.</param>
    /// <param name="disks">Names of the disks, and the NBD sockets that serve them.</param>
    /// <param name="size">Its size.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ProblemException">QEMU did not start.</exception>
    public static async Task<FileVmProcess> StartAsync(ProcessRunner runner, FileVmBoot boot, ExportSockets sockets, IReadOnlyList<(string Target, string Socket)> disks, FileVmSize size, CancellationToken cancellation)
    {
        var vm = new FileVmProcess();
        var paths = Enumerable.Range(0, LineCount).Select(_ => sockets.Fresh()).ToList();
        var listeners = paths.ConvertAll(Listen);
        try
        {
            var (program, prefix) = AsQemuUser(Qemu);
            var spec = new ProcessSpec(program, [.. prefix, .. Arguments(boot, paths, disks, size)]) { Output = vm._console.ReadAsync, Grace = TimeSpan.Zero };
            vm._process = runner.RunAsync(spec, vm._end.Token);
            foreach (var listener in listeners) vm._lines.Add(await vm.AcceptAsync(listener, cancellation));
            return vm;
        }
        catch
        {
            await vm.DisposeAsync();
            throw;
        }
        finally
        {
            listeners.ForEach(l => l.Dispose());
            paths.ForEach(File.Delete);
        }
    }

    /// <summary>Ends the VM, which can be trusted no more; answers what to tell.</summary>
    public Problem Fail(string why)
    {
        var fault = Interlocked.CompareExchange(ref _fault, why, null) ?? why;
        var kernel = _console.Panic is { } panic ? $" Its kernel said: {panic}." : "";
        _end.Cancel();
        return Problem.Conflict("The reading VM was ended", $"{fault}{kernel} A file system of this recovery point may be damaged so that it cannot be read here. Another volume, or an older recovery point, may be sound.");
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        foreach (var line in _lines) line.Dispose();
        if (_process is not null) await Ended;
    }

    private static Socket Listen(string path)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        // Others than QEMU may call as well; who it is decides.
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        listener.Listen(4);
        return listener;
    }

    private async Task<FileVmChannel> AcceptAsync(Socket listener, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(StartPatience);
        while (true)
        {
            var caller = listener.AcceptAsync(limit.Token).AsTask();
            if (await Task.WhenAny(caller, _process) == _process)
            {
                await limit.CancelAsync();
                var ended = await _process;
                throw new ProblemException(Problem.Unavailable("The reading VM did not start", $"QEMU ended with code {ended.ExitCode}. {ended.Error.Trim()}"));
            }
            var socket = await caller;
            if (Peer.MayRead(socket)) return new FileVmChannel(socket);
            socket.Dispose();
        }
    }

    private static IReadOnlyList<string> Arguments(FileVmBoot boot, IReadOnlyList<string> lines, IReadOnlyList<(string Target, string Socket)> disks, FileVmSize size)
    {
        List<string> all =
        [
            "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none", "-serial", "stdio",
            "-name", "quarterdeck-files", "-M", "pc", "-smp", "1", "-m", size.MemoryMiB.ToString(CultureInfo.InvariantCulture),
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
            "-kernel", boot.Kernel, "-initrd", boot.Initrd,
            "-append", string.Create(CultureInfo.InvariantCulture, $"console=ttyS0 loglevel=4 panic=-1 oops=panic mitigations=off files.disks={disks.Count}"),
            "-device", "virtio-serial-pci",
        ];
        all.AddRange(size.Kvm ? ["-accel", "kvm", "-cpu", "host"] : ["-accel", "tcg,tb-size=64"]);
        for (var i = 0; i < lines.Count; i++)
            all.AddRange(["-chardev", $"socket,id=line{i},path={Escape(lines[i])}", "-device", $"virtserialport,chardev=line{i},nr={i + 1}"]);
        for (var i = 0; i < disks.Count; i++)
            all.AddRange(["-drive", $"if=none,id=disk{i},snapshot=on,format=raw,file.driver=nbd,file.server.type=unix,file.server.path={Escape(disks[i].Socket)}", "-device", $"virtio-blk-pci,drive=disk{i},serial={Escape(disks[i].Target)}"]);
        return all;
    }

    // The parent-death signal is forgotten when the user changes, so it is set again after it.
    private static (string Program, IReadOnlyList<string> Prefix) AsQemuUser(string program)
    {
        const string limits = "/usr/bin/prlimit";
        string[] overlay = [$"--fsize={OverlayBytes}", "--core=0", "--"];
        if (!Environment.IsPrivilegedProcess) return (limits, [.. overlay, program]);
        if (Peer.QemuUser() is not { } user) throw new ProblemException(Problem.Unavailable("There is no user for QEMU", "The reading VM does not run as root, and this machine has no user libvirt-qemu or qemu. Install the package libvirt-daemon-system."));
        return (limits, [.. overlay, "/usr/bin/setpriv", $"--reuid={user.Name}", $"--regid={user.Group}", "--init-groups", "--no-new-privs", "--inh-caps=-all", "--pdeathsig", "KILL", "--", program]);
    }

    private static string Escape(string value) => value.Replace(",", ",,", StringComparison.Ordinal);

    /// <summary>The last lines of the VM's kernel, to say what it died of.</summary>
    private sealed class ConsoleTail
    {
        private const int Most = 16 << 10;
        private readonly StringBuilder _text = new();

        public string? Panic
        {
            get
            {
                lock (_text)
                    return _text.ToString().Split('\n').FirstOrDefault(l => l.Contains("Kernel panic", StringComparison.Ordinal)) is { } line ? line[line.IndexOf("Kernel panic", StringComparison.Ordinal)..].Trim() : null;
            }
        }

        public async Task ReadAsync(Stream output, CancellationToken cancellation)
        {
            var buffer = new byte[4096];
            while (await output.ReadAsync(buffer, cancellation) is var read and > 0)
                lock (_text)
                {
                    foreach (var b in buffer.AsSpan(0, read)) _text.Append(b is >= 32 and < 127 or (byte)'\n' ? (char)b : ' '); // it may have been taken over
                    if (_text.Length > Most) _text.Remove(0, _text.Length - Most);
                }
        }
    }
}
