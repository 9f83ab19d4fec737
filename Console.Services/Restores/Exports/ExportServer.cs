using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Quarterdeck.Restores.Exports;

/// <summary>Accepts connections to one export, and serves each on its own.</summary>
internal sealed partial class ExportServer : IAsyncDisposable
{
    private const UnixFileMode Everybody = (UnixFileMode)0b110_110_110;
    private readonly string _target;
    private readonly PointContent _content;
    private readonly ChunkCache _cache;
    private readonly ILogger _logger;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _end = new();
    private readonly HashSet<Task> _connections = [];
    private readonly Lock _gate = new();
    private readonly Task _accepting;
    private long _served;

    public ExportServer(string socket, string target, PointContent content, ChunkCache cache, ILogger logger)
    {
        (SocketPath, _target, _content, _cache, _logger) = (socket, target, content, cache, logger);
        File.Delete(socket); // of a console that was killed
        _listener.Bind(new UnixDomainSocketEndPoint(socket));
        // The folder lets nobody list it, and who connects is checked: QEMU's user need not own the socket.
        File.SetUnixFileMode(socket, Everybody);
        _listener.Listen();
        _accepting = Task.Run(AcceptAsync);
    }

    public string SocketPath { get; }

    public long ServedBytes => Interlocked.Read(ref _served);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        Task[] open;
        lock (_gate) open = [.. _connections];
        await Task.WhenAll(open);
        File.Delete(SocketPath);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket connection;
            try { connection = await _listener.AcceptAsync(_end.Token); }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException) { return; }
            catch (SocketException e)
            {
                if (_end.IsCancellationRequested) return;
                Log.NotAccepted(_logger, SocketPath, e.Message);
                await Task.Delay(100); // out of descriptors, say
                continue;
            }
            lock (_gate)
            {
                _connections.RemoveWhere(c => c.IsCompleted);
                _connections.Add(Task.Run(() => ServeAsync(connection)));
            }
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        using var _ = connection;
        try
        {
            if (!Peer.MayRead(connection))
            {
                Log.Refused(_logger, SocketPath);
                return;
            }
            await using var stream = new NetworkStream(connection, ownsSocket: false);
            if (await new ExportHandshake(stream, _target, _content.SizeBytes).PerformAsync(_end.Token) is { } agreed)
                await new ExportSession(stream, _content, _cache, agreed, bytes => Interlocked.Add(ref _served, bytes)).RunAsync(_end.Token);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException) { /* it hung up, or the export ends */ }
        catch (InvalidDataException e) { Log.Nonsense(_logger, SocketPath, e.Message); }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "A connection to {Socket} could not be accepted: {Reason}")]
        public static partial void NotAccepted(ILogger logger, string socket, string reason);

        [LoggerMessage(LogLevel.Warning, "A program of another user than QEMU's connected to {Socket} and was hung up on.")]
        public static partial void Refused(ILogger logger, string socket);

        [LoggerMessage(LogLevel.Warning, "A client of {Socket} was hung up on: {Reason}")]
        public static partial void Nonsense(ILogger logger, string socket, string reason);
    }
}
