using Quarterdeck.Backups;
using Quarterdeck.Repositories;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Web.Backups;

/// <summary>How recovery points are called on pages.</summary>
internal static class BackupWords
{
    /// <summary>What the point is good for.</summary>
    public static string Consistency(PointConsistency consistency) => consistency switch
    {
        PointConsistency.Application => "application-consistent",
        PointConsistency.Filesystem => "file systems consistent",
        _ => "as after a power cut",
    };

    /// <summary>What that means, as a sentence.</summary>
    public static string Explain(RecoveryPoint point) => point.Consistency switch
    {
        PointConsistency.Application => "The applications prepared for it.",
        PointConsistency.Filesystem => "The guest's file systems were frozen for the moment, or the VM was shut down.",
        _ => "The guest was not told: it is what its disks would hold after a power cut. With a guest agent its file systems are frozen for the moment.",
    };

    /// <summary>Why it is there.</summary>
    public static string Origin(RecoveryPoint point) => point.Common ? "before a restore" : point.Kind.ToString().ToLowerInvariant();

    /// <summary>Whether its chunks are known to be good.</summary>
    public static (string Word, Meaning Meaning) Health(RecoveryPoint point) =>
        point.Damage is not null ? ("damaged", Meaning.Failed) : point.VerifiedAt is not null ? ("verified", Meaning.Ok) : ("not verified", Meaning.Off);

    /// <summary>The page of a point; copies in several repositories have the same id.</summary>
    public static string Href(RecoveryPoint point) => $"recovery-points/{point.Id}?repositoryId={point.RepositoryId}";
}
