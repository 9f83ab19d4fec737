using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Quarterdeck.Platform;

namespace Quarterdeck.Plugins.Webhooks;

/// <summary>Posts one event into a plug-in's own VM: through the door, and nowhere else.</summary>
/// <remarks>A redirect is a failure, an answer's body is not read, and every wait has an end: the guest is third-party code.</remarks>
internal sealed class WebhookPost(Func<Guid, int, CancellationToken, Task<Result<IPEndPoint>>> door, WebhookStore store, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseCookies = false, UseProxy = false, AutomaticDecompression = DecompressionMethods.None, ActivityHeadersPropagator = null,
        ConnectTimeout = Limit, MaxResponseHeadersLength = 16, MaxResponseDrainSize = 0, PooledConnectionLifetime = TimeSpan.Zero,
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
        ConnectCallback = async (context, cancellation) =>
        {
            var end = (await door(Guid.ParseExact(context.DnsEndPoint.Host.AsSpan(1), "N"), context.DnsEndPoint.Port, cancellation)).Value;
            var socket = new Socket(end.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try { await socket.ConnectAsync(end, cancellation); }
            catch
            {
                socket.Dispose();
                throw;
            }
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    /// <summary>Null when the plug-in took it, else why not.</summary>
    public async Task<string?> SendAsync(Plugin plugin, Waiting what, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Limit);
        try
        {
            var hook = plugin.Webhook!;
            var stamp = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{hook.Scheme}://p{plugin.Id:N}:{hook.Port}{hook.Path}") { Content = new StringContent(what.Body, Encoding.UTF8, "application/json") };
            request.Headers.Host = "plugin";
            request.Headers.Add("Quarterdeck-Event", what.Name);
            request.Headers.Add("Quarterdeck-Delivery", what.Id.ToString("D"));
            request.Headers.Add("Quarterdeck-Timestamp", stamp);
            request.Headers.Add("Quarterdeck-Signature", $"v1={Sign(await store.SecretAsync(plugin.Id, limit.Token), stamp, what.Body)}");
            using var answer = await _http.SendAsync(request, limit.Token);
            if (answer.IsSuccessStatusCode) return null;
            return (int)answer.StatusCode is >= 300 and < 400 ? $"it answered with a redirect ({(int)answer.StatusCode}), which is not followed" : $"it answered {(int)answer.StatusCode}";
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested) { return $"it did not answer within {Limit.TotalSeconds:0} s"; }
        catch (HttpRequestException e) { return e.InnerException is ProblemException { Problem: var problem } ? problem.Detail : $"it was not reached: {e.Message}"; }
    }

    /// <summary>Lower-case hex HMAC-SHA256 of <c>timestamp.body</c>.</summary>
    public static string Sign(string secret, string stamp, string body) => Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{stamp}.{body}")));

    public void Dispose() => _http.Dispose();
}
