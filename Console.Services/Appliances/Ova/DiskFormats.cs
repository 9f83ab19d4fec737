namespace Quarterdeck.Appliances.Ova;

/// <summary>Names of the kinds of disk files, and what descriptors call them.</summary>
internal static class DiskFormats
{
    public const string Vmdk = "vmdk", Qcow2 = "qcow2", Raw = "raw", Empty = "empty";

    /// <summary>What the descriptor says: it names formats by addresses of their documentation, which differ between tools. Empty when it does not say.</summary>
    public static string Declared(OvfDisk disk) =>
        disk.FileId is null ? Empty
        : disk.Format?.ToLowerInvariant() is not { } format ? ""
        : format.Contains("vmdk", StringComparison.Ordinal) ? Vmdk
        : format.Contains("qcow", StringComparison.Ordinal) ? Qcow2
        : format.Contains("raw", StringComparison.Ordinal) ? Raw
        : "";
}
