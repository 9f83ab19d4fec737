using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform;
using Quarterdeck.Secrets;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers.Objects;

/// <summary>Where other nodes bring calls of this node's objects: TLS with a certificate of this start, whose fingerprint and a token are in the database.</summary>
/// <remarks>A caller sends one line, <c>TOKEN SERIAL calls|streams|admin</c>; <c>+</c> or <c>-why</c> and a line's end come back, then the bytes of the object's process.</remarks>
internal sealed partial class PeerDoor(IOptions<WorkersOptions> options, StoreLease lease, ObjectFleet fleet, SecretBox box, TimeProvider time, ILogger<PeerDoor> logger) : IHostedService, IDisposable
{
    /// <summary>What the token in the database is encrypted for.</summary>
    public const string Purpose = "workers.objects.peers";

    private const int LongestLine = 400;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stopping = new();
    private readonly string _token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
    private X509Certificate2? _certificate;
    private TcpListener? _listener;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Objects.EndPoint is not { } at) return Task.CompletedTask;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = time.GetUtcNow();
        using var made = new CertificateRequest("CN=quarterdeck-objects", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddYears(10));
        _certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
        _listener = new TcpListener(at);
        _listener.Start();
        var port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        var host = at.Address.Equals(IPAddress.Any) || at.Address.Equals(IPAddress.IPv6Any) ? Dns.GetHostName() : at.Address.ToString();
        lease.Door = (options.Value.Objects.Address ?? $"{host}:{port}", Fingerprint(_certificate), box.Protect(Purpose, _token));
        _ = AcceptAsync(_listener);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        _listener?.Stop();
    }

    public void Dispose()
    {
        _listener?.Dispose();
        _certificate?.Dispose();
        _stopping.Dispose();
    }

    /// <summary>How a certificate is known in the database.</summary>
    public static string Fingerprint(X509Certificate certificate) => certificate.GetCertHashString(HashAlgorithmName.SHA256);

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptSocketAsync(_stopping.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException) { }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            socket.NoDelay = true;
            await using var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
            using var soon = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            soon.CancelAfter(Patience);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, soon.Token);
            var words = (await PeerLine.ReadAsync(tls, LongestLine, soon.Token)).Split(' ');
            if (words is not [var token, var number, var kind] || !CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(token), Encoding.ASCII.GetBytes(_token)) || !long.TryParse(number, out var serial) || !Enum.TryParse<ObjectLink>(kind, ignoreCase: true, out var link))
            {
                Log.Stranger(logger, socket.RemoteEndPoint);
                return;
            }
            Stream near;
            try { near = await fleet.Get(serial).ConnectAsync(link, soon.Token); }
            catch (ProblemException e)
            {
                await PeerLine.WriteAsync(tls, "-" + e.Problem.Detail, soon.Token);
                return;
            }
            await using (near)
            {
                await PeerLine.WriteAsync(tls, "+", soon.Token);
                await Lane.JoinAsync(tls, near, _stopping.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or System.Security.Authentication.AuthenticationException) { }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "{Who} brought a call of durable objects without the token of a node; it was refused.")]
        public static partial void Stranger(ILogger logger, EndPoint? who);
    }
}
