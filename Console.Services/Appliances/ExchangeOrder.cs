namespace Quarterdeck.Appliances;

/// <summary>An appliance that takes the place of another in the same VM.</summary>
/// <param name="ApplianceId">The one that is deployed.</param>
/// <param name="NewId">Id of the one to come (UUIDv7).</param>
/// <param name="VmId">The VM, as the console knows it.</param>
/// <param name="DataDisks">OVF disk ids that hold data and stay; disks for which the deployed package had no file always do.</param>
public sealed record ExchangeOrder(Guid ApplianceId, Guid NewId, Guid VmId, IReadOnlyList<string> DataDisks);

/// <summary>The package that was received.</summary>
/// <param name="Product">What it says it is.</param>
/// <param name="Files">Small files that contributors asked for and that its digests cover, by name.</param>
/// <param name="Networks">The host networks its cards are plugged into.</param>
public sealed record ExchangePackage(OvaProduct Product, IReadOnlyDictionary<string, byte[]> Files, IReadOnlyList<string> Networks);
