namespace Quarterdeck.Appliances.Environment;

/// <summary>Volumes on the host that hold an appliance's environment.</summary>
/// <param name="Iso">The CD; null when the package takes its properties by the firmware's configuration alone.</param>
/// <param name="Firmware">The file that QEMU's firmware configuration device shows; null when the package did not ask for it.</param>
internal sealed record EnvironmentPlaces(string? Iso, string? Firmware)
{
    /// <summary>How the guest finds it: <c>/sys/firmware/qemu_fw_cfg/by_name/opt/com.vmware/guestinfo.ovfEnv/raw</c> in Linux.</summary>
    public const string FirmwareName = "opt/com.vmware/guestinfo.ovfEnv";

    /// <summary>The transport by which a package asks for <see cref="Firmware"/>.</summary>
    public const string GuestInfo = "com.vmware.guestInfo";

    /// <summary>Both, without the missing one.</summary>
    public IReadOnlyList<string> Paths => [.. new[] { Iso, Firmware }.OfType<string>()];
}
