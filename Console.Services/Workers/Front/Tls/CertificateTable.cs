using System.Collections.Concurrent;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quarterdeck.Events;
using Quarterdeck.Secrets;

namespace Quarterdeck.Workers.Front.Tls;

/// <summary>Certificates and challenges in memory, following every change on any node: neither a handshake nor a request waits for the database.</summary>
internal sealed partial class CertificateTable(
    CertificateStore store, EventStream<StoredCertificate> certificates, EventStream<StoredChallenge> challenges, WorkerTable table, TimeProvider time, ILogger<CertificateTable> logger) : BackgroundService
{
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<string, SslStreamCertificateContext> _stored = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, SslStreamCertificateContext> _own = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, StoredChallenge> _challenges = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What a visitor who asks for this name sees: the zone's certificate, else one that this node signed for the zone; names that are no zone share one.</summary>
    public SslStreamCertificateContext For(string? name)
    {
        var zone = string.IsNullOrEmpty(name) ? null : table.Current.ZoneOf(name)?.Hostname;
        if (zone is null) return _own.GetOrAdd("", _ => Own("quarterdeck.invalid"));
        return _stored.TryGetValue(zone, out var stored) ? stored : _own.GetOrAdd(zone, _ => Own(zone));
    }

    /// <summary>What a certificate authority is to find on a zone; null when nothing was announced.</summary>
    public string? Challenge(string hostname, string token) =>
        _challenges.TryGetValue(StoredChallenge.KeyOf(hostname, token), out var challenge) && challenge.ExpiresAt > time.GetUtcNow() ? challenge.KeyAuthorization : null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        table.Changed += ForgetGone;
        try
        {
            await Task.WhenAll(
                FollowAsync(certificates, token => store.LoadAsync(null, token), Take, stoppingToken),
                FollowAsync(challenges, token => store.ChallengesAsync(null, token), Take, stoppingToken));
        }
        finally { table.Changed -= ForgetGone; }
    }

    /// <summary>A zone that is deleted takes its certificate along; one of the same name starts without.</summary>
    private void ForgetGone(WorkerTableSnapshot now)
    {
        if (now.Sequence == 0) return;
        foreach (var name in _own.Keys) if (name.Length > 0 && !now.Zones.ContainsKey(name)) _own.TryRemove(name, out _);
        foreach (var name in _stored.Keys) if (!now.Zones.ContainsKey(name)) _stored.TryRemove(name, out _);
    }

    private async Task FollowAsync<T>(EventStream<T> stream, Func<CancellationToken, Task<IReadOnlyList<T>>> all, Action<LiveBatch<T>> take, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await foreach (var batch in stream.SubscribeAsync(all, cancellation)) take(batch);
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested)
            {
                // What is known goes on being served.
                Log.Lost(logger, stream.Topic, e.Message);
                await Task.Delay(Again, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) { }
        }
    }

    private void Take(LiveBatch<StoredCertificate> batch)
    {
        if (batch.Kind is LiveKind.Snapshot) Forget(_stored, batch.Items.Select(c => c.Hostname));
        foreach (var certificate in batch.Items)
        {
            try { _stored[certificate.Hostname] = Load(certificate.Chain, certificate.Key); }
            catch (Exception e) when (e is CryptographicException or ArgumentException or SecretUnreadableException) { Log.Unusable(logger, certificate.Hostname, e.Message); }
        }
        foreach (var gone in batch.Keys) _stored.TryRemove(gone, out _);
    }

    private void Take(LiveBatch<StoredChallenge> batch)
    {
        if (batch.Kind is LiveKind.Snapshot) Forget(_challenges, batch.Items.Select(c => StoredChallenge.KeyOf(c.Hostname, c.Token)));
        foreach (var challenge in batch.Items) _challenges[StoredChallenge.KeyOf(challenge.Hostname, challenge.Token)] = challenge;
        foreach (var gone in batch.Keys) _challenges.TryRemove(gone, out _);
    }

    private static void Forget<T>(ConcurrentDictionary<string, T> known, IEnumerable<string> stay)
    {
        foreach (var gone in known.Keys.Except(stay, StringComparer.OrdinalIgnoreCase)) known.TryRemove(gone, out _);
    }

    private SslStreamCertificateContext Own(string name)
    {
        var pair = SelfSigned.Make(name, time.GetUtcNow()).Value;
        return Load(pair.Chain, pair.Key);
    }

    private static SslStreamCertificateContext Load(string chain, string key)
    {
        using var joined = X509Certificate2.CreateFromPem(chain, key);
        var others = new X509Certificate2Collection();
        others.ImportFromPem(chain);
        // offline: what the owner sent in is what visitors get; nothing is fetched from issuers
        return SslStreamCertificateContext.Create(X509CertificateLoader.LoadPkcs12(joined.Export(X509ContentType.Pkcs12), null), new X509Certificate2Collection(others.Skip(1).ToArray()), offline: true);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Changes of {Topic} are not followed for the moment: {Reason}")]
        public static partial void Lost(ILogger logger, string topic, string reason);

        [LoggerMessage(LogLevel.Error, "The certificate of {Hostname} cannot be used: {Reason} The one before stays; send it in again.")]
        public static partial void Unusable(ILogger logger, string hostname, string reason);
    }
}
