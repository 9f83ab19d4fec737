using System.Text.Json;

namespace Quarterdeck.Plugins.Registry;

/// <summary>A row of the table <c>plugins</c> without its secrets.</summary>
internal sealed record PluginRow(
    Guid Id, Guid ApplianceId, Guid OperationId, Guid HostId, Guid VmId, string Key, string Name, string Vendor, string Version, string Description,
    string Capabilities, string? Ui, string? Manifest, string? ManifestDigest, PluginState State, HealthState Health, string? HealthReason,
    DateTimeOffset? HealthAt, DateTimeOffset? EnrolledAt, DateTimeOffset CreatedAt)
{
    public const string Columns =
        "id, appliance_id, operation_id, host_id, vm_id, key, name, vendor, version, description, capabilities, ui, manifest, manifest_digest, state, health, health_reason, health_at, enrolled_at, created_at";

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
        Capabilities = JsonSerializer.Deserialize<string[]>(Capabilities)!,
        Ui = Ui is null ? null : JsonSerializer.Deserialize<PluginUi>(Ui),
        Description = Description,
        CreatedAt = CreatedAt,
        EnrolledAt = EnrolledAt,
    };
}

/// <summary>The tokens of a row: hashes and how long they hold.</summary>
internal sealed record PluginTokens(Guid Id, PluginState State, string? TokenHash, DateTimeOffset? TokenExpiresAt, string? NextTokenHash, DateTimeOffset? NextTokenExpiresAt);

/// <summary>The enrolment of a row.</summary>
internal sealed record PluginEnrolment(Guid Id, PluginState State, string? ManifestDigest, DateTimeOffset? EnrolmentExpiresAt, DateTimeOffset? EnrolledAt);
