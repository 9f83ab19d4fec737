using Quarterdeck.Platform;

namespace Quarterdeck.Restores.Files;

/// <summary>Says in words what the file VM's kernel refused.</summary>
internal static class GuestErrors
{
    private const byte NoEntry = 2, Io = 5, NotFolder = 20, Invalid = 22, TooManyLinks = 40, Damaged = 117;

    /// <summary>The problem for an error's number.</summary>
    public static Problem Problem(byte error, GuestVolume volume, byte[] path)
    {
        var text = NameText.From(path);
        return error switch
        {
            NoEntry => Platform.Problem.NotFound("file or folder", text),
            NotFolder => Platform.Problem.Conflict("It is no folder", $"'{text}' is no folder, or the path leads through something that is none. Links are shown and never followed: open what they point to."),
            Invalid or TooManyLinks => Platform.Problem.Conflict("It is no file", $"'{text}' is a link or a device, which has no content of its own. Open what a link points to."),
            Damaged => Platform.Problem.Conflict("The file system cannot be read", $"'{volume.Id}' looks like {volume.Type}, and cannot be mounted: it is damaged, or of a version that the console's kernel does not know. An older recovery point may be sound."),
            Io => Platform.Problem.Conflict("It cannot be read", $"'{text}' on '{volume.Id}' cannot be read: the file system is damaged there, or the repository lost what is there. Verify the recovery point, or try an older one."),
            _ => Platform.Problem.Conflict("It cannot be read", $"'{text}' on '{volume.Id}': error {error} of the reading kernel. The file system may be damaged; an older recovery point may be sound."),
        };
    }

    /// <summary>Why a volume cannot be browsed; null when it can.</summary>
    public static string? Unreadable(GuestVolume volume) => volume.Why switch
    {
        "" => null,
        "none" => "No file system is recognised here.",
        "missing" when volume.Type == "ntfs" => "Reading NTFS takes the package ntfs-3g on the console's machine.",
        "missing" => "Reading logical volumes takes the package lvm2 on the console's machine.",
        _ => volume.Type switch
        {
            "LUKS" or "BitLocker" => "It is encrypted; restore the VM to read it.",
            "swap" => "It is swap space, which has no files.",
            "LVM" => "Its volume group is incomplete.",
            "RAID" => "It is a part of a software RAID; restore the VM to read it.",
            _ => $"{volume.Type} cannot be read here; restore the VM to read it.",
        },
    };
}
