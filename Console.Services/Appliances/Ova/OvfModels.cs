namespace Quarterdeck.Appliances.Ova;

/// <summary>libvirt's models for what packages call devices: the same device where there is one, virtio where the package asks for it, else one that old guests have a driver for.</summary>
/// <remarks>Every method takes an item's models, the preferred one first, and says whether it knew one of them.</remarks>
internal static class OvfModels
{
    public static bool IsVirtioBlock(string model) => model is "virtio" or "virtioblk" or "virtioblock";

    public static (string Model, bool Known) Scsi(string[] wanted) => First(wanted, "lsilogic", model => model switch
    {
        "virtualscsi" or "pvscsi" or "vmwarepvscsi" => "vmpvscsi",
        "lsilogicsas" or "lsisas1068" => "lsisas1068",
        "lsilogic" or "lsilogicscsi" => "lsilogic",
        "virtioscsi" => "virtio-scsi",
        _ => null,
    });

    public static (string Model, bool Known) Card(string[] wanted, bool efi) => First(wanted, efi ? "e1000e" : "e1000", model => model switch
    {
        "virtio" or "virtionet" => "virtio",
        "e1000" => "e1000",
        "e1000e" => "e1000e",
        "vmxnet3" => "vmxnet3",
        "pcnet32" or "pcnet" => "pcnet",
        "rtl8139" => "rtl8139",
        _ => null,
    });

    public static (string Model, bool Known) Usb(string[] wanted, bool efi) => First(wanted, efi ? "qemu-xhci" : "piix3-uhci", model =>
        model.Contains("xhci", StringComparison.Ordinal) ? "qemu-xhci" : model.Contains("ehci", StringComparison.Ordinal) ? "ehci" : model.Contains("uhci", StringComparison.Ordinal) ? "piix3-uhci" : null);

    public static (string Model, bool Known) Sound(string[] wanted, bool efi) => First(wanted, efi ? "ich9" : "ich6", model =>
        model.EndsWith("hdaudio", StringComparison.Ordinal) || model is "hda" or "intelhda" ? efi ? "ich9" : "ich6"
        : model.Contains("ac97", StringComparison.Ordinal) ? "ac97"
        : model.Contains("1371", StringComparison.Ordinal) || model.Contains("1370", StringComparison.Ordinal) ? "es1370"
        : model is "sb16" or "soundblaster16" ? "sb16" : null);

    public static (string Model, bool Known) Video(string[] wanted) => First(wanted, "vga", model =>
        model.StartsWith("virtio", StringComparison.Ordinal) ? "virtio" : model is "vga" or "std" ? "vga" : model == "cirrus" ? "cirrus" : null);

    private static (string, bool) First(string[] wanted, string otherwise, Func<string, string?> known) =>
        wanted.Select(known).FirstOrDefault(m => m is not null) is { } model ? (model, true) : (otherwise, wanted.Length == 0);
}
