using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Platform;
using Quarterdeck.Plugins.Manifests;
using Quarterdeck.Plugins.Registry;
using Quarterdeck.Plugins.Webhooks;

namespace Quarterdeck.Plugins;

/// <summary>What appliances may call: enrol once, and then say how they are. Their tokens are their authority.</summary>
public sealed class Enrolment
{
    private const int MaxReason = 400, MinNonce = 16, MaxNonce = 200;
    private readonly PluginStore _plugins;
    private readonly TokenStore _tokens;
    private readonly ConsoleAuthority _authority;
    private readonly EventStream<Plugin> _stream;
    private readonly AuditLog _audit;
    private readonly TimeProvider _time;
    private readonly PluginsOptions _options;
    private readonly WebhookStore _webhooks;

    internal Enrolment(PluginStore plugins, TokenStore tokens, ConsoleAuthority authority, EventStream<Plugin> stream, AuditLog audit, TimeProvider time, IOptions<PluginsOptions> options, WebhookStore webhooks) =>
        (_plugins, _tokens, _authority, _stream, _audit, _time, _options, _webhooks) = (plugins, tokens, authority, stream, audit, time, options.Value, webhooks);

    /// <summary>Exchanges the enrolment token for the plug-in's own.</summary>
    /// <returns>Forbidden for an unknown or expired token, Conflict for a used one, Invalid for another manifest or a request for an authority. A refused attempt does not use the token up.</returns>
    public async Task<Result<EnrolmentAnswer>> EnrolAsync(EnrolmentRequest request, CancellationToken cancellation)
    {
        if (request.Token is not { Length: > 0 and <= 200 } token) return Problem.Invalid("token", "It is missing or too long.", "Send quarterdeck.enrolment.token from the environment.");
        if (await _tokens.FindEnrolmentAsync(TokenText.Hash(token), cancellation) is not { } enrolment) return Problem.Forbidden("The enrolment token is not known. Deploy the appliance again.");
        if (request.Instance is { Length: > 0 } instance && !(Guid.TryParse(instance, out var id) && id == enrolment.Id)) return await RefusedAsync(enrolment, Problem.Forbidden("The enrolment token belongs to another instance."), cancellation);
        var again = enrolment.EnrolledAt is not null;
        if (again && Proof(request) is null) return await RefusedAsync(enrolment, Used, cancellation);
        if (enrolment.State is not PluginState.Enrolling || enrolment.EnrolmentExpiresAt is not { } until || until <= _time.GetUtcNow()) return await RefusedAsync(enrolment, Problem.Forbidden("The enrolment token has expired. Deploy the appliance again."), cancellation);
        if (!(await ManifestAsync(enrolment, request, cancellation)).TryGet(out var manifest, out var wrong)) return await RefusedAsync(enrolment, wrong, cancellation);

        string? certificate = null;
        if (request.CertificateRequest is { Length: > 0 } pem && !(await _authority.ClientCertificateAsync(pem, enrolment.Id, _options.TokenLife, cancellation)).TryGet(out certificate, out var refused)) return await RefusedAsync(enrolment, refused, cancellation);
        if (enrolment.ManifestDigest is null && (await _plugins.DescribeAsync(enrolment.Id, manifest, request.ManifestDigest!, cancellation)).Problem is { } taken) return await RefusedAsync(enrolment, taken, cancellation);
        var own = TokenText.New(TokenText.Plugin);
        var expires = _time.GetUtcNow() + _options.TokenLife;
        var enrolled = again ? await _tokens.EnrolAgainAsync(enrolment.Id, TokenText.Hash(own), expires, Proof(request)!, cancellation) : await _tokens.EnrolAsync(enrolment.Id, TokenText.Hash(own), expires, Proof(request), cancellation);
        if (!enrolled) return await RefusedAsync(enrolment, Used, cancellation);
        await _audit.WriteAsync(As(enrolment.Id, manifest.Name), again ? "plugin.enrol.again" : "plugin.enrol", Target(enrolment.Id), manifest.Name, null, new { manifest.Key, manifest.Version, certificate = certificate is not null }, cancellation);
        _stream.Changed(enrolment.Id.ToString("D"));
        return new EnrolmentAnswer(enrolment.Id, own, expires, _options.HeartbeatSeconds, certificate, manifest.Webhook is null ? null : await _webhooks.SecretAsync(enrolment.Id, cancellation));
    }

    /// <summary>What only the sender of the first request can repeat; null when it did not care for that.</summary>
    private static string? Proof(EnrolmentRequest request) => request.Nonce is { Length: >= MinNonce and <= MaxNonce } nonce ? TokenText.Hash($"{nonce}\n{request.CertificateRequest}") : null;

    private static readonly Problem Used = Problem.Conflict("The enrolment token was used", "It can be used once. If it was not this appliance that used it, uninstall the plug-in and deploy it again.");

    private static string Target(Guid id) => $"plugin:{id:D}";

    private static Caller As(Guid id, string name) => new(CallerKind.Plugin, id, name.Length > 0 ? name : "plug-in", Role.Viewer, new HashSet<string>());

    private async Task<Problem> RefusedAsync(PluginEnrolment enrolment, Problem problem, CancellationToken cancellation)
    {
        await _audit.WriteAsync(As(enrolment.Id, ""), "plugin.enrol.refused", Target(enrolment.Id), null, null, new { problem.Title, problem.Detail }, cancellation);
        return problem;
    }

    /// <summary>The token is bound to the package's manifest; without one, what the administrator let in says what it is now.</summary>
    private async Task<Result<PluginManifest>> ManifestAsync(PluginEnrolment enrolment, EnrolmentRequest request, CancellationToken cancellation)
    {
        if (request.Manifest.ValueKind is not JsonValueKind.Object) return Problem.Invalid("manifest", "It is missing or no object.", "Send the content of quarterdeck-plugin.json.");
        var text = Encoding.UTF8.GetBytes(request.Manifest.GetRawText());
        if (!PluginManifest.Parse(text, "manifest").TryGet(out var sent, out var wrong)) return wrong;
        var expected = enrolment.ManifestDigest ?? PluginManifest.Digest(text);
        if (!string.Equals(request.ManifestDigest, expected, StringComparison.Ordinal))
            return Problem.Invalid("manifestDigest", "It is not the digest of the manifest this token was made for.", "Send the lower-case hex SHA-256 of quarterdeck-plugin.json exactly as it is in the package.");
        if (enrolment.ManifestDigest is null) return sent;
        var known = (await _plugins.FindAsync(enrolment.Id, cancellation))?.Manifest;
        if (known is null) return Problem.Forbidden("The plug-in was removed.");
        using var packaged = JsonDocument.Parse(known);
        return JsonElement.DeepEquals(packaged.RootElement, request.Manifest) ? sent
            : Problem.Invalid("manifest", "It is not the manifest of the package.", "Send the content of quarterdeck-plugin.json as it is in the package.");
    }

    /// <summary>Whether the token is this plug-in's and accepted now; asked before anything of a body is read.</summary>
    public async Task<bool> KnowsAsync(Guid id, string? token, CancellationToken cancellation) => await AcceptedAsync(id, token, cancellation) is not null;

    private async Task<(PluginTokens Tokens, TokenWorth Worth)?> AcceptedAsync(Guid id, string? token, CancellationToken cancellation)
    {
        if (token is not { Length: > 0 and <= 200 } || await _tokens.FindTokensAsync(id, cancellation) is not { } tokens) return null;
        return tokens.Worth(token, _time.GetUtcNow()) is var worth and not TokenWorth.Nothing ? (tokens, worth) : null;
    }

    /// <summary>Takes a heartbeat.</summary>
    /// <param name="id">The plug-in.</param>
    /// <param name="token">Its own token; null when none was sent.</param>
    /// <param name="heartbeat">What it says.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>Forbidden for a wrong, expired or revoked token, whatever the reason.</returns>
    public async Task<Result<HeartbeatAnswer>> HeartbeatAsync(Guid id, string? token, Heartbeat heartbeat, CancellationToken cancellation)
    {
        var now = _time.GetUtcNow();
        if (await AcceptedAsync(id, token, cancellation) is not var (tokens, worth)) return Revoked;
        if (Check(heartbeat) is { } wrong) return wrong;
        if (worth is TokenWorth.Next) await _tokens.TakeNextAsync(id, cancellation);
        var said = heartbeat.Health!.State switch { "healthy" => HealthState.Healthy, "degraded" => HealthState.Degraded, _ => HealthState.Failed };
        var state = said is HealthState.Healthy ? PluginState.Ready : PluginState.Degraded;
        var health = new PluginHealth(said, said is HealthState.Healthy ? null : heartbeat.Health.Reason ?? "It gave no reason.", now);
        if (await _tokens.BeatAsync(id, state, health, heartbeat.Version, cancellation) is null) return Revoked;
        _stream.Changed(id.ToString("D"));
        var (next, expires) = worth switch
        {
            TokenWorth.Next => (null, null),
            TokenWorth.Exchange => await OfferAsync(id, now, cancellation),
            _ => tokens.TokenExpiresAt - now > _options.TokenLife / 3 ? (null, null) : await OfferAsync(id, now, cancellation),
        };
        return new HeartbeatAnswer(state, _options.HeartbeatSeconds, next, expires, heartbeat.AskWebhookSecret && worth is not TokenWorth.Exchange ? await _webhooks.SecretAsync(id, cancellation) : null);
    }

    private static readonly Problem Revoked = Problem.Forbidden("The token is wrong, expired or revoked.");

    private static Problem? Check(Heartbeat heartbeat)
    {
        if (heartbeat.Health?.State is not ("healthy" or "degraded" or "failed")) return Problem.Invalid("health.state", "It is missing or not known.", "Send healthy, degraded or failed.");
        if (heartbeat.Health.Reason is { } reason && (reason.Length > MaxReason || reason.Any(c => char.IsControl(c) && c is not '\n'))) return Problem.Invalid("health.reason", "It is too long or has control characters.", $"Send at most {MaxReason} characters.");
        return heartbeat.Version is { } version && !SemanticVersion.TryParse(version, out _) ? Problem.Invalid("version", "It is no version.", "Send MAJOR.MINOR.PATCH, or leave it out.") : null;
    }

    /// <summary>In the last third of a token's life, and after a revocation was lifted, the next one is offered at each heartbeat, until it is used: an answer may get lost.</summary>
    private async Task<(string? Token, DateTimeOffset? ExpiresAt)> OfferAsync(Guid id, DateTimeOffset now, CancellationToken cancellation)
    {
        var (next, expires) = (TokenText.New(TokenText.Plugin), now + _options.TokenLife);
        await _tokens.OfferNextAsync(id, TokenText.Hash(next), expires, cancellation);
        return (next, expires);
    }
}
