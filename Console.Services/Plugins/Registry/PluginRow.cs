using System.Text.Json;
using Quarterdeck.Plugins.Manifests;

namespace Quarterdeck.Plugins.Registry;

/// <summary>A row of the table <c>plugins</c> without its secrets.</summary>
internal sealed record PluginRow(
    Guid Id, Guid ApplianceId, Guid OperationId, Guid HostId, Guid VmId, string Key, string Name, string Vendor, string Version, string Description,
    string Capabilities, string? Ui, string? Manifest, string? ManifestDigest, PluginState State, HealthState Health, string? HealthReason,
    DateTimeOffset? HealthAt, DateTimeOffset? EnrolledAt, DateTimeOffset CreatedAt,
    string? Contributes = null, string? Webhook = null, string DataDisks = "[]", string ApprovedCapabilities = "[]",
    string? UpgradeTo = null, Guid? UpgradeOperationId = null)
{
    public const string Columns =
        "id, appliance_id, operation_id, host_id, vm_id, key, name, vendor, version, description, capabilities, ui, manifest, manifest_digest, state, health, health_reason, health_at, enrolled_at, created_at, contributes, webhook, data_disks, approved_capabilities, upgrade_to, upgrade_operation_id";

    public Plugin ToPlugin() => new()
    {
        Id = Id,
        Key = Key,
        Name = Name,
        Vendor = Vendor,
        Version = Version,
        State = State,
        Health = new PluginHealth(Health, HealthReason, HealthAt),
        VmId = VmId,
        HostId = HostId,
        ApplianceId = ApplianceId,
        OperationId = OperationId,
        Capabilities = Names(Capabilities),
        // What was approved once counts only while the plug-in asks for it.
        ApprovedCapabilities = [.. Names(ApprovedCapabilities).Intersect(Names(Capabilities))],
        Ui = Ui is null ? null : JsonSerializer.Deserialize<PluginUi>(Ui),
        Contributes = Contributes is null ? PluginContributions.None : JsonSerializer.Deserialize<PluginContributions>(Contributes)!,
        Webhook = Webhook is null ? null : JsonSerializer.Deserialize<PluginWebhook>(Webhook),
        DataDisks = Names(DataDisks),
        Description = Description,
        CreatedAt = CreatedAt,
        EnrolledAt = EnrolledAt,
        UpgradingTo = UpgradeTo,
        UpgradeOperationId = UpgradeOperationId,
    };

    private static string[] Names(string json) => JsonSerializer.Deserialize<string[]>(json)!;
}

/// <summary>A manifest's members as columns of the table <c>plugins</c>.</summary>
internal sealed record ManifestColumns(string Capabilities, string? Ui, string? Contributes, string? Webhook, string DataDisks)
{
    /// <summary>Of a plug-in that has not said yet what it is.</summary>
    public static readonly ManifestColumns None = new("[]", null, null, null, "[]");

    public static ManifestColumns Of(PluginManifest? manifest) => manifest is null ? None : new(
        JsonSerializer.Serialize(manifest.Capabilities), manifest.Ui is null ? null : JsonSerializer.Serialize(manifest.Ui), JsonSerializer.Serialize(manifest.Contributes),
        manifest.Webhook is null ? null : JsonSerializer.Serialize(manifest.Webhook), JsonSerializer.Serialize(manifest.DataDisks));
}

/// <summary>The tokens of a row: hashes and how long they hold.</summary>
internal sealed record PluginTokens(
    Guid Id, string Name, PluginState State, string? TokenHash, DateTimeOffset? TokenExpiresAt, string? NextTokenHash, DateTimeOffset? NextTokenExpiresAt, string? RevokedHash, string? RevokedNextHash,
    DateTimeOffset? RevokedUntil, string Capabilities, string ApprovedCapabilities)
{
    public const string Columns =
        "id, name, state, token_hash, token_expires_at, next_token_hash, next_token_expires_at, revoked_hash, revoked_next_hash, revoked_until, capabilities, approved_capabilities";

    /// <summary>What a token is worth now.</summary>
    public TokenWorth Worth(string token, DateTimeOffset now)
    {
        if (State is PluginState.Disabled or PluginState.Uninstalling) return TokenWorth.Nothing;
        if (TokenText.Matches(token, TokenHash)) return TokenExpiresAt > now ? TokenWorth.Present : TokenWorth.Nothing;
        if (TokenText.Matches(token, NextTokenHash)) return NextTokenExpiresAt > now ? TokenWorth.Next : TokenWorth.Nothing;
        return RevokedUntil > now && (TokenText.Matches(token, RevokedHash) || TokenText.Matches(token, RevokedNextHash)) ? TokenWorth.Exchange : TokenWorth.Nothing;
    }
}

/// <summary>What a token is worth.</summary>
internal enum TokenWorth
{
    /// <summary>Refused.</summary>
    Nothing,
    /// <summary>The plug-in's token.</summary>
    Present,
    /// <summary>The one that was offered last; using it makes it the plug-in's.</summary>
    Next,
    /// <summary>Revoked; after it was enabled again a heartbeat with it is answered with a new one, and it opens nothing else.</summary>
    Exchange,
}

/// <summary>The enrolment of a row.</summary>
internal sealed record PluginEnrolment(Guid Id, PluginState State, string? ManifestDigest, DateTimeOffset? EnrolmentExpiresAt, DateTimeOffset? EnrolledAt);
