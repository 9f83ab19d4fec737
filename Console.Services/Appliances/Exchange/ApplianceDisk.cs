namespace Quarterdeck.Appliances.Exchange;

/// <summary>A disk of a deployed appliance, as its package names it.</summary>
/// <param name="Id">The OVF disk id.</param>
/// <param name="Path">Its volume on the host.</param>
/// <param name="Empty">Whether the package had no file for it: then it holds what the appliance wrote.</param>
internal sealed record ApplianceDisk(string Id, string Path, bool Empty);
