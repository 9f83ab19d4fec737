using System.Net;
using System.Net.Sockets;

namespace Quarterdeck.Tests.Support;

/// <summary>Stands between the product and a service on loopback and counts what really goes over the wire, headers and all.</summary>
internal sealed class CountingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Uri _service;
    private readonly Task _accepting;
    private long _up, _down;

    public CountingProxy(Uri service)
    {
        _service = service;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Endpoint => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Bytes to the service so far.</summary>
    public long Up => Interlocked.Read(ref _up);

    /// <summary>Bytes from the service so far.</summary>
    public long Down => Interlocked.Read(ref _down);

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token));
        }
        catch (OperationCanceledException) { /* the end */ }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var service = new TcpClient();
        using (client)
        {
            try
            {
                await service.ConnectAsync(_service.Host, _service.Port, _end.Token);
                await Task.WhenAny(PumpAsync(client, service, n => Interlocked.Add(ref _up, n)), PumpAsync(service, client, n => Interlocked.Add(ref _down, n)));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException) { /* one side went */ }
        }
    }

    private async Task PumpAsync(TcpClient from, TcpClient to, Action<int> count)
    {
        var buffer = new byte[65536];
        try
        {
            while (await from.GetStream().ReadAsync(buffer, _end.Token) is > 0 and var read)
            {
                count(read);
                await to.GetStream().WriteAsync(buffer.AsMemory(0, read), _end.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException) { /* one side went */ }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }
}
