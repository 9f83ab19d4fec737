using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Runtime;

/// <summary>A socket whose connections are joined, byte by byte, to the process that has one worker's durable objects.</summary>
internal sealed partial class Lane : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _closing = new();
    private readonly string _path;
    private readonly IObjectRouter _router;
    private readonly ILogger _logger;
    private int _connections;

    private Lane(string path, long serial, IObjectRouter router, ILogger logger) => (_path, Serial, _router, _logger) = (path, serial, router, logger);

    /// <summary>Whose objects it leads to.</summary>
    public long Serial { get; }

    /// <summary>Connections that are open.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public static Lane Open(string path, long serial, IObjectRouter router, ILogger logger)
    {
        File.Delete(path);
        var lane = new Lane(path, serial, router, logger);
        lane._listener.Bind(new UnixDomainSocketEndPoint(path));
        lane._listener.Listen(128);
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        _ = lane.AcceptAsync();
        return lane;
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Dispose();
        File.Delete(_path);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = JoinAsync(await _listener.AcceptAsync(_closing.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException) { }
    }

    private async Task JoinAsync(Socket caller)
    {
        Interlocked.Increment(ref _connections);
        try
        {
            await using var near = new NetworkStream(caller, ownsSocket: true);
            // The first bytes tell a connection of calls from one of a request.
            var first = new byte[16 << 10];
            var read = await near.ReadAsync(first, _closing.Token);
            if (read == 0) return;
            using var soon = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
            soon.CancelAfter(Patience);
            await using var far = await _router.ConnectAsync(Serial, first.AsSpan(0, read).StartsWith("CONNECT "u8) ? ObjectLink.Calls : ObjectLink.Streams, soon.Token);
            await far.WriteAsync(first.AsMemory(0, read), _closing.Token);
            await JoinAsync(near, far, _closing.Token);
        }
        catch (ProblemException e) { Log.Unreachable(_logger, Serial, e.Problem.Detail); }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException) { }
        finally { Interlocked.Decrement(ref _connections); }
    }

    /// <summary>Carries bytes both ways until either side ends.</summary>
    public static async Task JoinAsync(Stream one, Stream other, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var (there, back) = (one.CopyToAsync(other, either.Token), other.CopyToAsync(one, either.Token));
        await Task.WhenAny(there, back);
        await either.CancelAsync();
        await Task.WhenAll(there, back).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The durable objects of the worker {Serial} cannot be reached. {Why}")]
        public static partial void Unreachable(ILogger logger, long serial, string why);
    }
}
