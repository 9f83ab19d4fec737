using System.Text.Json;

namespace Quarterdeck.Plugins;

/// <summary>What an appliance sends once, with the token from its environment.</summary>
/// <param name="Token">The enrolment token.</param>
/// <param name="Manifest">Its <c>quarterdeck-plugin.json</c>.</param>
/// <param name="ManifestDigest">Lower-case hex SHA-256 of that file's bytes.</param>
/// <param name="Instance">Its <c>quarterdeck.plugin.instance</c>; checked when given.</param>
/// <param name="CertificateRequest">PKCS#10 in PEM; null for no certificate.</param>
/// <param name="Nonce">16 to 200 random characters of its own, the same at each try: then an enrolment whose answer got lost can be repeated until the first heartbeat.</param>
public sealed record EnrolmentRequest(string? Token, JsonElement Manifest, string? ManifestDigest, string? Instance = null, string? CertificateRequest = null, string? Nonce = null);

/// <summary>What it gets.</summary>
/// <param name="PluginId">Its id.</param>
/// <param name="Token">Its own token for heartbeats; shown this once.</param>
/// <param name="ExpiresAt">How long the token is valid unless renewed.</param>
/// <param name="HeartbeatSeconds">Seconds between heartbeats.</param>
/// <param name="Certificate">A client certificate in PEM, when one was requested.</param>
/// <param name="WebhookSecret">What events to it are signed with; null when its manifest asks for none.</param>
public sealed record EnrolmentAnswer(Guid PluginId, string Token, DateTimeOffset ExpiresAt, int HeartbeatSeconds, string? Certificate, string? WebhookSecret = null);

/// <summary>What a plug-in says at each heartbeat.</summary>
/// <param name="Health">How it is.</param>
/// <param name="Version">Its version, when it wants to tell.</param>
/// <param name="AskWebhookSecret">Whether the answer shall hold the secret that events are signed with: after an upgrade that brought webhooks.</param>
public sealed record Heartbeat(HeartbeatHealth? Health, string? Version = null, bool AskWebhookSecret = false);

/// <summary>How a plug-in is.</summary>
/// <param name="State"><c>healthy</c>, <c>degraded</c> or <c>failed</c>.</param>
/// <param name="Reason">Why it is not healthy, at most 400 characters.</param>
public sealed record HeartbeatHealth(string? State, string? Reason = null);

/// <summary>What a heartbeat is answered.</summary>
/// <param name="State">Where the plug-in stands now.</param>
/// <param name="HeartbeatSeconds">Seconds until the next one.</param>
/// <param name="Token">A new token to use from now on, near the end of the old one's life; else null.</param>
/// <param name="ExpiresAt">How long the new token is valid.</param>
/// <param name="WebhookSecret">When it was asked for.</param>
public sealed record HeartbeatAnswer(PluginState State, int HeartbeatSeconds, string? Token, DateTimeOffset? ExpiresAt, string? WebhookSecret = null);
