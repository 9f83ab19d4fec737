using Quarterdeck.Repositories;

namespace Quarterdeck.Backups.Capture;

/// <summary>How a disk will be read.</summary>
/// <param name="Disk">The disk.</param>
/// <param name="Since">The disk in the point whose changes are read; null to read all of it.</param>
/// <param name="Whole">Why all is read, as the second half of a sentence; null when only changes are, or when it is the first time.</param>
internal sealed record ReadPlan(DomainDisk Disk, PointDisk? Since, string? Whole)
{
    /// <summary>The sentence for the point; null when there is nothing to say.</summary>
    public string? Sentence => Whole is null ? null : $"Disk {Disk.Target} was read whole: {Whole}. Only what differs was stored.";

    /// <summary>The same, read whole.</summary>
    public ReadPlan AllOfIt(string why) => this with { Since = null, Whole = why };
}

/// <summary>Decides for each disk whether its bitmap can be believed.</summary>
/// <param name="Base">The newest point of this repository since which something tracks changes; null when there is none.</param>
/// <param name="HasPoints">Whether the repository has any point of the VM.</param>
/// <param name="Full">Whether everything was asked for.</param>
internal sealed record ReadPlanner(PointManifest? Base, bool HasPoints, bool Full)
{
    /// <summary>The instant of the newest point of the VM; null when there is none.</summary>
    public DateTimeOffset? Newest { get; init; }

    /// <summary>Tells in the point when the console's clock and the newest point do not fit together: lists and retention go by these times.</summary>
    /// <param name="now">By the console's clock.</param>
    /// <param name="notes">Sentences for the point.</param>
    public DateTimeOffset Date(DateTimeOffset now, ICollection<string> notes)
    {
        if (Newest is { } newest && now < newest)
            notes.Add($"The console's clock says {now:yyyy-MM-dd HH:mm:ss} UTC, and an earlier point of the VM is of {newest:yyyy-MM-dd HH:mm:ss} UTC: one of them was wrong. This point is the newer one, although it is listed as older.");
        return now;
    }

    /// <summary>Finds the base among the points that checkpoints or bitmaps are named after.</summary>
    public static async Task<ReadPlanner> OfAsync(Repository repository, Guid vmId, IEnumerable<Guid> tracked, bool full, CancellationToken cancellation)
    {
        var points = (await repository.PointsAsync(cancellation)).Where(p => p.VmId == vmId).ToList();
        var names = tracked.ToHashSet();
        // Any of them is right, for a bitmap goes on recording; the newest one has the least to read.
        return new ReadPlanner(points.Where(p => names.Contains(p.Id)).MaxBy(p => p.Id), points.Count > 0, full) { Newest = points.Count > 0 ? points.Max(p => p.CreatedAt) : null };
    }

    /// <summary>The name of the checkpoint and bitmaps to read by; null when all is read.</summary>
    public string? Checkpoint => Base is null || Full ? null : CheckpointName.Of(Base.Id);

    /// <summary>The plan for one disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="bitmaps">The bitmaps of its top image.</param>
    public ReadPlan For(DomainDisk disk, IReadOnlyList<Bitmap> bitmaps)
    {
        var since = Base?.Disks.FirstOrDefault(d => d.Target == disk.Target);
        return Obstacle(disk, bitmaps, since) is var (none, why) && none ? new ReadPlan(disk, null, why) : new ReadPlan(disk, since, null);
    }

    private (bool Whole, string? Why) Obstacle(DomainDisk disk, IReadOnlyList<Bitmap> bitmaps, PointDisk? since)
    {
        if (!HasPoints) return (true, null);
        if (Full) return (true, "that was asked for");
        if (disk.ReadOnly) return (true, "the guest may only read it, so nothing tracks its changes");
        if (disk.IsOld) return (true, "its image is of qcow2's first version, which cannot track changes (qemu-img amend -o compat=1.1 makes it a newer one)");
        if (!disk.Tracks) return (true, $"{disk.Format} images cannot track changes");
        if (Base is null) return (true, "nothing tracks its changes since a point of this repository");
        if (since is null) return (true, "it was not part of the last point");
        if (Base.Labels.Damage is not null) return (true, "the last point is damaged");
        // Two disks that were exchanged have each other's bitmap under the right name.
        if (!disk.Chain.Contains(since.Path)) return (true, $"its image was {since.Path} at the last point");
        var bitmap = bitmaps.FirstOrDefault(b => b.Name == CheckpointName.Of(Base.Id));
        if (bitmap is null) return (true, "its dirty bitmap is gone, as after a crash of QEMU, a revert, or when a tool wrote the image anew");
        return bitmap.Usable ? (false, null) : (true, "its dirty bitmap is inconsistent, as after a crash of QEMU or of the host");
    }
}
