using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers.Objects;

/// <summary>The caller's side of <see cref="PeerDoor"/>, and the lines that both speak before the bytes.</summary>
internal static class PeerLine
{
    /// <summary>A connection to a worker's objects on another node.</summary>
    /// <exception cref="ProblemException">The node cannot be reached, is not the one that the database names, or refuses.</exception>
    public static async Task<Stream> ConnectAsync(StoreRow home, string token, long serial, ObjectLink link, CancellationToken cancellation)
    {
        var colon = home.Address!.LastIndexOf(':');
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SslStream? tls = null;
        try
        {
            await socket.ConnectAsync(home.Address[..colon], int.Parse(home.Address.AsSpan(colon + 1), System.Globalization.CultureInfo.InvariantCulture), cancellation);
            tls = new SslStream(new NetworkStream(socket, ownsSocket: true), false, (_, certificate, _, _) => certificate is not null && PeerDoor.Fingerprint(certificate) == home.Fingerprint);
            await tls.AuthenticateAsClientAsync("quarterdeck-objects");
            await WriteAsync(tls, $"{token} {serial} {link.ToString().ToLowerInvariant()}", cancellation);
            if (await ReadAsync(tls, 2000, cancellation) is var answer && answer != "+") throw new ProblemException(Problem.Unavailable("The durable objects do not run", $"The node '{home.Node}' refused: {answer.TrimStart('-')}"));
            return tls;
        }
        catch (Exception e)
        {
            if (tls is not null) await tls.DisposeAsync();
            socket.Dispose();
            if (e is SocketException or IOException or System.Security.Authentication.AuthenticationException)
                throw new ProblemException(Problem.Unavailable("Another node cannot be reached", $"The durable objects live on the node '{home.Node}', which cannot be reached at {home.Address}: {e.Message}"), e);
            throw;
        }
    }

    public static async Task WriteAsync(Stream stream, string line, CancellationToken cancellation)
    {
        await stream.WriteAsync(Encoding.UTF8.GetBytes(line.ReplaceLineEndings(" ") + "\n"), cancellation);
        await stream.FlushAsync(cancellation);
    }

    /// <summary>Byte by byte: what follows the line is not ours to read.</summary>
    public static async Task<string> ReadAsync(Stream stream, int most, CancellationToken cancellation)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (line.Count < most && await stream.ReadAsync(one, cancellation) == 1 && one[0] != '\n') line.Add(one[0]);
        return Encoding.UTF8.GetString([.. line]);
    }
}
