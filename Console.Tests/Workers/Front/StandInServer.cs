using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Front.Upstream;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Tests.Workers.Front;

/// <summary>A compute server that answers as a test says, byte by byte if need be.</summary>
internal sealed class StandInServer : IUpstream, IUpstreams, IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("qd-front-").FullName;
    private readonly ConcurrentBag<Socket> _open = [];
    private readonly InFlight _inFlight = new();
    private Socket? _listener;
    private TaskCompletionSource _up = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public StandInServer() => Start();

    /// <summary>Answers one connection: called with the head of each request; false ends the connection.</summary>
    public Func<StandInRequest, Task<bool>> Answer { get; set; } = async request =>
    {
        await request.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Type: text/plain\r\n\r\nhello\n");
        return true;
    };

    /// <summary>Heads of all requests so far.</summary>
    public ConcurrentQueue<StandInRequest> Requests { get; } = new();

    public string SocketPath { get; private set; } = "";
    public int Generation { get; private set; }
    public bool IsUp => _listener is not null;
    public bool Available => true;
    public int Stuck { get; private set; }

    /// <summary>Whether its workers ask for <c>request.cf</c>.</summary>
    public bool Facts { get; set; } = true;

    /// <summary>On whom each end was put, by the generation that ended.</summary>
    public ConcurrentDictionary<int, WorkerKey> Blames { get; } = new();

    public WorkerKey? BlameOf(int generation) => Blames.TryGetValue(generation, out var key) ? key : null;
    public IUpstream Pick(DeployedWorker worker) => this;
    public bool ReadsFacts(WorkerKey key) => Facts;
    public Task ReadyAsync(CancellationToken cancellation) => _up.Task.WaitAsync(cancellation);
    public RequestTicket Begin(WorkerKey key) => _inFlight.Begin(key);
    public void ReportStuck() => Stuck++;

    /// <summary>Ends as a killed process does: every connection breaks.</summary>
    public void Kill()
    {
        _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _listener?.Dispose();
        _listener = null;
        File.Delete(SocketPath);
        while (_open.TryTake(out var socket)) socket.Dispose();
    }

    public void Start()
    {
        SocketPath = Path.Combine(_folder, $"s{++Generation}.sock");
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        listener.Listen(128);
        _listener = listener;
        _ = AcceptAsync(listener);
        _up.TrySetResult();
    }

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptAsync();
                _open.Add(socket);
                _ = ServeAsync(socket);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            while (await StandInRequest.ReadAsync(stream) is { } request)
            {
                Requests.Enqueue(request);
                if (!await Answer(request)) return;
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException) { }
    }

    public ValueTask DisposeAsync()
    {
        Kill();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}

/// <summary>A request as the stand-in got it.</summary>
internal sealed class StandInRequest(NetworkStream stream, string head)
{
    public string Head => head;

    public string Line => head.Split("\r\n")[0];

    public string? Header(string name) => head.Split("\r\n").Skip(1).FirstOrDefault(l => l.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();

    public NetworkStream Stream => stream;

    public Task SendAsync(string text) => stream.WriteAsync(Encoding.Latin1.GetBytes(text)).AsTask();

    public async Task<byte[]> BodyAsync(int length)
    {
        var bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes);
        return bytes;
    }

    public static async Task<StandInRequest?> ReadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!(head.Length >= 4 && head.ToString(head.Length - 4, 4) == "\r\n\r\n"))
        {
            if (await stream.ReadAsync(one) == 0) return null;
            head.Append((char)one[0]);
        }
        return new StandInRequest(stream, head.ToString()[..^4]);
    }
}
