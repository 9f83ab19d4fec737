using System.Text.Json;
using Quarterdeck.Appliances.Environment;
using Quarterdeck.Appliances.Exchange;

namespace Quarterdeck.Appliances.Deploy;

/// <summary>A deployed appliance: what is needed to write its environment anew and to remove it.</summary>
internal sealed record ApplianceRow(
    Guid Id, Guid OperationId, Guid HostId, Guid VmId, string Name, string SystemId, OvaProduct Product, IReadOnlyList<string> Volumes, IReadOnlyDictionary<string, string> Properties)
{
    /// <summary>Which of the volumes is which of the package's disks.</summary>
    public IReadOnlyList<ApplianceDisk> Disks { get; init; } = [];

    public OvaSignature Signature { get; init; } = new(SignatureState.None, null);
    public string? Option { get; init; }
    public IReadOnlyDictionary<string, string> Networks { get; init; } = new Dictionary<string, string>();
    public long PackageBytes { get; init; }

    /// <summary>Where its environment lies; nowhere before it was defined.</summary>
    public EnvironmentPlaces Places { get; init; } = new(null, null);

    /// <summary>Whether a room above takes part: it is a plug-in.</summary>
    public bool Contributed { get; init; }

    public EnvironmentState Environment { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    public Appliance ToAppliance() => new()
    {
        Id = Id,
        Name = Name,
        HostId = HostId,
        VmId = VmId,
        OperationId = OperationId,
        Product = Product,
        Signature = Signature.State,
        Publisher = Signature.Publisher,
        PublisherFingerprint = Signature.Fingerprint,
        PackageBytes = PackageBytes,
        DeploymentOption = Option,
        Networks = Networks,
        Properties = Properties,
        Plugin = Contributed,
        Environment = Environment,
        CreatedAt = CreatedAt,
    };

    /// <summary>The columns that <see cref="Read"/> takes.</summary>
    public const string Columns =
        "id, operation_id, host_id, vm_id, name, system_id, product, vendor, version, volumes, disks, properties, publisher, publisher_fingerprint, signature, deployment_option, networks, package_bytes, iso_path, firmware_path, contributed, environment, created_at";

    public static ApplianceRow Of(Read r) => new(
        r.Id, r.OperationId, r.HostId, r.VmId, r.Name, r.SystemId, new OvaProduct(r.Product, r.Vendor, r.Version, ""),
        JsonSerializer.Deserialize<string[]>(r.Volumes)!, JsonSerializer.Deserialize<Dictionary<string, string>>(r.Properties)!)
    {
        Disks = JsonSerializer.Deserialize<ApplianceDisk[]>(r.Disks)!,
        Signature = new OvaSignature(r.Signature, r.Publisher, r.PublisherFingerprint),
        Option = r.DeploymentOption,
        Networks = JsonSerializer.Deserialize<Dictionary<string, string>>(r.Networks)!,
        PackageBytes = r.PackageBytes,
        Places = new EnvironmentPlaces(r.IsoPath, r.FirmwarePath),
        Contributed = r.Contributed,
        Environment = r.Environment,
        CreatedAt = r.CreatedAt,
    };

    /// <summary>A row as the database has it.</summary>
    internal sealed record Read(
        Guid Id, Guid OperationId, Guid HostId, Guid VmId, string Name, string SystemId, string Product, string Vendor, string Version, string Volumes, string Disks, string Properties,
        string? Publisher, string? PublisherFingerprint, SignatureState Signature, string? DeploymentOption, string Networks, long PackageBytes, string? IsoPath, string? FirmwarePath, bool Contributed, EnvironmentState Environment, DateTimeOffset CreatedAt);
}
