using System.Diagnostics;

namespace Quarterdeck.Tests.Support;

/// <summary>A libvirt service of a test's own, as an unprivileged user in a folder of its own, which may be stopped, frozen and started again.</summary>
public sealed class PrivateLibvirt : IAsyncDisposable
{
    private const string Nobody = "65534";
    private readonly string _folder = Directory.CreateTempSubdirectory("qd-lv-").FullName;
    private Process? _process;

    /// <summary>The folder of its socket.</summary>
    public string SocketFolder => Path.Combine(_folder, "run/libvirt");

    /// <summary>Its URI.</summary>
    public string Uri => $"qemu+unix:///session?socket={SocketFolder}/libvirt-sock";

    /// <summary>Gives it a storage pool of its own, <c>default</c>; answers its folder.</summary>
    public async Task<string> AddPoolAsync()
    {
        var images = Directory.CreateDirectory(Path.Combine(_folder, "images")).FullName;
        if (Environment.IsPrivilegedProcess) await SystemLibvirt.RunAsync("chown", Nobody, images);
        await SystemLibvirt.RunAsync("virsh", "-c", Uri, "pool-define-as", "default", "dir", "--target", images);
        await SystemLibvirt.RunAsync("virsh", "-c", Uri, "pool-start", "default");
        return images;
    }

    /// <summary>Starts one.</summary>
    public static async Task<PrivateLibvirt> StartAsync()
    {
        var libvirt = new PrivateLibvirt();
        foreach (var folder in new[] { "run", "config", "cache", "state" }) Directory.CreateDirectory(Path.Combine(libvirt._folder, folder));
        if (Environment.IsPrivilegedProcess) await SystemLibvirt.RunAsync("chown", "-R", Nobody, libvirt._folder);
        File.SetUnixFileMode(libvirt._folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute | UnixFileMode.OtherRead | UnixFileMode.GroupExecute);
        await libvirt.StartServiceAsync();
        return libvirt;
    }

    /// <summary>Starts the service (again).</summary>
    public async Task StartServiceAsync()
    {
        string[] command = ["/usr/sbin/libvirtd", "--timeout", "600"];
        var start = Environment.IsPrivilegedProcess ? new ProcessStartInfo("setpriv", ["--reuid", Nobody, "--regid", Nobody, "--clear-groups", .. command]) : new ProcessStartInfo(command[0], command[1..]);
        start.Environment.Clear();
        foreach (var (name, value) in new[] { ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("HOME", _folder), ("XDG_RUNTIME_DIR", _folder + "/run"), ("XDG_CONFIG_HOME", _folder + "/config"), ("XDG_CACHE_HOME", _folder + "/cache"), ("XDG_STATE_HOME", _folder + "/state") })
            start.Environment[name] = value;
        start.RedirectStandardError = start.RedirectStandardOutput = true;
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, _) => { };
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        var socket = Path.Combine(SocketFolder, "libvirt-sock");
        for (var i = 0; i < 300 && !File.Exists(socket); i++) await Task.Delay(100);
        File.Exists(socket).ShouldBeTrue("the private libvirt did not start");
    }

    /// <summary>Ends the service as its init system would.</summary>
    public async Task StopServiceAsync()
    {
        await SignalAsync("TERM");
        await _process!.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));
        _process.Dispose();
        _process = null;
    }

    /// <summary>Freezes it: it accepts connections and answers nothing.</summary>
    public Task FreezeAsync() => SignalAsync("STOP");

    /// <summary>Lets it go on.</summary>
    public Task ThawAsync() => SignalAsync("CONT");

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
        Directory.Delete(_folder, recursive: true);
    }

    private Task SignalAsync(string signal) => SystemLibvirt.RunAsync("kill", "-" + signal, _process!.Id.ToString());
}
