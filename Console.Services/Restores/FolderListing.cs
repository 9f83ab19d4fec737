namespace Quarterdeck.Restores;

/// <summary>What a directory entry is.</summary>
public enum EntryKind
{
    /// <summary>Bytes, which can be downloaded.</summary>
    File,
    /// <summary>Entries, which can be listed and downloaded as one archive.</summary>
    Folder,
    /// <summary>A symbolic link; its target is shown, and never followed.</summary>
    Link,
    /// <summary>A device, socket or pipe; shown only.</summary>
    Other,
}

/// <summary>A file system, or what is in its place, on a recovery point's disks.</summary>
/// <param name="Id">Names it in addresses: a disk or partition such as <c>vda1</c>, or a logical volume such as <c>vg0/root</c>.</param>
/// <param name="Disk">The disk it is on, such as <c>vda</c>; null for a logical volume, which may be on several.</param>
/// <param name="Type">What its first bytes say: <c>ext4</c>, <c>xfs</c>, <c>ntfs</c>, …; null when they say nothing.</param>
/// <param name="Label">The name that its owner gave it; null for none. Escaped like names.</param>
/// <param name="SizeBytes">Of the partition or volume.</param>
/// <param name="Readable">Whether it can be browsed.</param>
/// <param name="Why">Why it cannot be browsed, in words; null when it can.</param>
public sealed record PointVolume(string Id, string? Disk, string? Type, string? Label, long SizeBytes, bool Readable, string? Why);

/// <summary>The volumes of a recovery point.</summary>
/// <param name="Items">In the order of the disks; logical volumes last.</param>
/// <param name="IdleSeconds">Unused for so long, they are closed; the next look opens them again.</param>
public sealed record PointVolumes(IReadOnlyList<PointVolume> Items, int IdleSeconds);

/// <summary>An entry of a folder.</summary>
/// <param name="Name">Its name; bytes that are no text, control characters, those that turn the direction of writing, and the backslash are escaped as <c>\xNN</c> (the backslash as <c>\\</c>).</param>
/// <param name="Path">From the volume's root, such as <c>/etc/fstab</c>; escaped likewise, and understood in addresses.</param>
/// <param name="Kind">What it is.</param>
/// <param name="SizeBytes">Of a file; 0 for others.</param>
/// <param name="ModifiedAt">When its content was last changed, as the guest's clock had it.</param>
/// <param name="Mode">Permission bits in octal, such as <c>0644</c>.</param>
/// <param name="Owner">The owner's number.</param>
/// <param name="Group">The group's number.</param>
/// <param name="Target">What a link points to, as it is written there; null for others.</param>
public sealed record FolderEntry(string Name, string Path, EntryKind Kind, long SizeBytes, DateTimeOffset ModifiedAt, string Mode, long Owner, long Group, string? Target);

/// <summary>Which folder is listed, and how.</summary>
/// <param name="PointId">The recovery point.</param>
/// <param name="Volume">A volume's id.</param>
/// <param name="Path">The folder; <c>/</c> for the root.</param>
/// <param name="RepositoryId">Which repository is meant, for a point that was copied; null for any.</param>
/// <param name="Below">Whether a search looks into all folders below as well.</param>
public sealed record FolderQuery(Guid PointId, string Volume, string Path = "/", Guid? RepositoryId = null, bool Below = false);

/// <summary>A page of a folder, or of what was found in it.</summary>
/// <param name="Items">Folders first, then by name, unless sorted otherwise.</param>
/// <param name="Total">Entries on all pages.</param>
/// <param name="Page">This page, from 1.</param>
/// <param name="PageSize">Entries a page.</param>
/// <param name="Truncated">Whether there is more than was read: a folder or search has a limit. Search for a part of the name.</param>
/// <param name="Damaged">Whether the file system could not tell the folder to its end: more entries may have been in it.</param>
public sealed record FolderListing(IReadOnlyList<FolderEntry> Items, int Total, int Page, int PageSize, bool Truncated, bool Damaged);
