using Quarterdeck.Platform;
using Quarterdeck.Restores.Journal;

namespace Quarterdeck.Restores.Disks;

/// <summary>What a disk's file looked like at a moment; whoever writes to it changes this.</summary>
/// <param name="Path">The file.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="ModifiedTicks">When it was last written.</param>
internal sealed record DiskStamp(string Path, long Length, long ModifiedTicks)
{
    /// <summary>Takes one.</summary>
    public static DiskStamp Of(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? new DiskStamp(path, file.Length, file.LastWriteTimeUtc.Ticks) : throw new ProblemException(Problem.Conflict("A disk is missing", $"There is no file '{path}' on the host."));
    }
}

/// <summary>Keeps a VM from starting while its disks are not whole: their files have other names until then. That holds without the console, over a reboot of the host, and for every tool.</summary>
internal static class DiskHold
{
    /// <summary>Writes the journal, then takes the disks' names away. Repeats nothing that is done.</summary>
    /// <exception cref="ProblemException">A disk was written since the stamps were taken.</exception>
    public static void Take(RestoreJournal journal, IReadOnlyList<DiskStamp> stamps)
    {
        foreach (var disk in journal.Disks.Where(d => !File.Exists(d.Held)))
            if (stamps.First(s => s.Path == disk.Path) != DiskStamp.Of(disk.Path))
                throw new ProblemException(Problem.Conflict("The disks changed meanwhile", $"'{disk.Path}' was written after the common snapshot was taken; the VM was probably started by someone else. Nothing was restored. Try again."));
        JournalFile.Save(journal);
        foreach (var disk in journal.Disks.Where(d => !File.Exists(d.Held))) Durable.Rename(disk.Path, disk.Held);
    }

    /// <summary>Gives the names back. Repeats nothing that is done.</summary>
    /// <exception cref="ProblemException">Somebody put another file in a disk's place.</exception>
    public static void Release(RestoreJournal journal)
    {
        foreach (var disk in journal.Disks.Where(d => File.Exists(d.Held)))
            if (File.Exists(disk.Path))
                throw new ProblemException(Problem.Conflict("A disk's place is taken", $"There is a file '{disk.Path}' although the restored disk is still '{disk.Held}'. Move it away, then try again."));
        foreach (var disk in journal.Disks.Where(d => File.Exists(d.Held))) Durable.Rename(disk.Held, disk.Path);
    }
}
