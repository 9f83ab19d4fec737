using Quarterdeck.Tests.Support;
using static Quarterdeck.Tests.Appliances.Hostile.HostilePackage;

namespace Quarterdeck.Tests.Appliances.Hostile;

/// <summary>What descriptors can do wrong.</summary>
internal static class HostileDescriptors
{
    public static IReadOnlyList<HostilePackage> All { get; } =
    [
        new("DTD", () => Ovf(t => t.Replace("<Envelope", "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\n<Envelope")), "not allowed or damaged"),
        new("entity bomb", () => Ovf(t => t.Replace("<Envelope", "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n<Envelope").Replace("Debian", "&b;")), "not allowed or damaged"),
        new("deep nesting", () => Ovf(t => t.Replace("<Info/>", string.Concat(Enumerable.Repeat("<a>", 100)) + string.Concat(Enumerable.Repeat("</a>", 100)))), "deeper"),
        new("not XML", () => Ovf(_ => "hello"), "not allowed or damaged"),
        new("unknown envelope", () => Ovf(t => t.Replace("ovf/envelope/1\"", "ovf/envelope/7\"")), "is not known"),
        new("HTML", () => Ovf(_ => "<html/>"), "is not known"),
        new("no virtual system", () => Ovf(t => t.Replace("VirtualSystem ", "Other ").Replace("/VirtualSystem>", "/Other>")), "no virtual system"),
        new("file outside the package", () => Ovf(t => t.Replace("ovf:href=\"probe-disk1.vmdk\"", "ovf:href=\"http://example.org/disk.vmdk\"")), "by a path or an address"),
        new("disk without its file", () => new OvaBuilder { DiskName = "other.vmdk" }.FilesWithout("other.vmdk"), "not in the package"),
        new("capacity of 2^62", () => new OvaBuilder { Capacity = 1L << 62 }.Build(), "outside 1 byte to 64 TiB"),
        new("capacity that overflows", () => Ovf(t => t.Replace("ovf:capacity=\"256\" ovf:capacityAllocationUnits=\"byte * 2^20\"", "ovf:capacity=\"9223372036854775807\" ovf:capacityAllocationUnits=\"byte * 2^40\"")), "not understood"),
        new("negative capacity", () => Ovf(t => t.Replace("ovf:capacity=\"256\"", "ovf:capacity=\"-1\"")), "not understood"),
        new("capacity of nothing", () => Ovf(t => t.Replace("ovf:capacity=\"256\"", "ovf:capacity=\"0\"")), "outside 1 byte to 64 TiB"),
        new("capacity in unknown units", () => Ovf(t => t.Replace("byte * 2^20", "furlong")), "not understood"),
        new("duplicate disk id", () => Ovf(t => t.Replace("\"data\"", "\"system\"")), "is there twice"),
        new("duplicate property", () => Ovf(t => t.Replace("ovf:key=\"build\"", "ovf:key=\"mode\"")), "is there twice"),
        new("duplicate hardware item", () => Ovf(t => t.Replace("<rasd:InstanceID>9<", "<rasd:InstanceID>8<")), "is there twice"),
        new("disk that is not there", () => Ovf(t => t.Replace("ovf:/disk/data", "ovf:/disk/none")), "not in the package"),
        new("disk attached twice", () => Ovf(t => t.Replace("ovf:/disk/data", "ovf:/disk/system")), "attached twice"),
        new("network that is not there", () => Ovf(t => t.Replace("<rasd:Connection>Management", "<rasd:Connection>Other")), "does not declare"),
        new("disk on another disk", () => Ovf(t => t.Replace("ovf:diskId=\"data\"", "ovf:diskId=\"data\" ovf:parentRef=\"system\"")), "builds on another disk"),
        new("a million CPUs", () => Ovf(t => t.Replace("<rasd:VirtualQuantity>1<", "<rasd:VirtualQuantity>1000000<")), "too many"),
        new("file of another size", () => Ovf(t => t.Replace("ovf:href=\"probe-disk1.vmdk\" ovf:size=\"", "ovf:href=\"probe-disk1.vmdk\" ovf:size=\"1")), "but the descriptor says"),
        new("compression that is not known", () => Ovf(t => t.Replace("ovf:id=\"file1\"", "ovf:id=\"file1\" ovf:compression=\"bzip2\"")), "not supported"),
    ];
}
