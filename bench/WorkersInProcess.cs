using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Web;
using Quarterdeck.Workers;

namespace Quarterdeck.Bench;

/// <summary>The console with its worker runtime inside the bench, for what is measured from within.</summary>
internal sealed class WorkersInProcess : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly string _data;

    private WorkersInProcess(WebApplication app, string data) => (_app, _data) = (app, data);

    public T Get<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    /// <summary>Where zones are served.</summary>
    public int Port => new Uri(Get<WorkerFront>().Addresses[0]).Port;

    public static async Task<WorkersInProcess> StartAsync(int shards, CancellationToken cancellation, params string[] more)
    {
        var data = Directory.CreateTempSubdirectory("qd-bench-workers-").FullName;
        var app = QuarterdeckApp.Build(
        [
            $"--QUARTERDECK_DATA={data}", "--QUARTERDECK_URLS=http://127.0.0.1:0", "--QUARTERDECK_APPLIANCE_URL=https://127.0.0.1:0", "--QUARTERDECK_WORKER_URLS=http://127.0.0.1:0",
            "--QUARTERDECK_ADMIN_PASSWORD=not-used-by-anyone-here", "--Quarterdeck:Hosts:FirstHost=", "--Logging:LogLevel:Default=Error", $"--Quarterdeck:Workers:Servers:Shards={shards}", .. more,
        ]);
        await app.StartAsync(cancellation);
        var started = new WorkersInProcess(app, data);
        await started.Get<WorkerFront>().OpenedAsync(cancellation);
        while (!started.Get<ComputeServers>().Started) await Task.Delay(20, cancellation);
        return started;
    }

    /// <summary>Makes a version, deployed, and a zone <c>NAME.test</c> for all its paths.</summary>
    public async Task<DeployedWorker> DeployAsync(string name, string source, CancellationToken cancellation)
    {
        var upload = new WorkerUpload(new WorkerMetadata { MainModule = "main.js" }, [new UploadedFile("main.js", Encoding.UTF8.GetBytes(source))]);
        _ = (await Get<WorkerRegistry>().UploadAsync(Caller.System, name, upload, deploy: true, cancellation)).Value;
        _ = (await Get<Zones>().PutAsync(Caller.System, $"{name}.test", new NewZone([new ZoneRoute("/*", name)]), cancellation)).Value;
        var worker = Get<WorkerTable>().Current.ByName(name)!;
        await Get<ComputeServers>().Pick(worker).ReadyAsync(cancellation); // shards start with the first worker
        return worker;
    }

    /// <summary>A connection to the front.</summary>
    public BenchConnection Front(string host) => new(new IPEndPoint(IPAddress.Loopback, Port), $"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");

    /// <summary>A connection to the compute server of a worker, past the front.</summary>
    public BenchConnection Direct(DeployedWorker worker) =>
        new(new UnixDomainSocketEndPoint(Get<ComputeServers>().Pick(worker).SocketPath), $"GET / HTTP/1.1\r\nHost: {worker.Name}.test\r\nx-quarterdeck-worker: {worker.Versions[0].KeyText}\r\n\r\n");

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }
}

/// <summary>One request again and again over one connection, on the thread that asks: nothing between the clock and the socket.</summary>
internal sealed class BenchConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _request, _answer = new byte[64 << 10];

    public BenchConnection(EndPoint to, string request)
    {
        _socket = new Socket(to.AddressFamily, SocketType.Stream, to.AddressFamily is AddressFamily.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        if (to.AddressFamily is not AddressFamily.Unix) _socket.NoDelay = true;
        _socket.Connect(to);
        _request = Encoding.ASCII.GetBytes(request);
    }

    /// <summary>Asks; the whole answer must come with its head's length.</summary>
    /// <exception cref="InvalidOperationException">It was not 200.</exception>
    public string Ask()
    {
        _socket.Send(_request);
        var have = 0;
        while (true)
        {
            var count = _socket.Receive(_answer.AsSpan(have));
            if (count == 0) throw new InvalidOperationException("The connection was closed.");
            have += count;
            var text = Encoding.Latin1.GetString(_answer, 0, have);
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0) continue;
            var at = text.IndexOf("Content-Length:", StringComparison.OrdinalIgnoreCase);
            var length = at < 0 ? 0 : int.Parse(text.AsSpan(at + 15, text.IndexOf('\r', at) - at - 15), System.Globalization.CultureInfo.InvariantCulture);
            if (have < end + 4 + length) continue;
            if (!text.StartsWith("HTTP/1.1 200", StringComparison.Ordinal)) throw new InvalidOperationException(text);
            return text[(end + 4)..];
        }
    }

    public void Dispose() => _socket.Dispose();
}
