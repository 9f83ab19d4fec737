using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Backups.Jobs;

/// <summary>What the recovery points of a VM come to.</summary>
internal sealed record PointSummary(Guid VmId, int Points, DateTimeOffset? LastGoodAt, DateTimeOffset? VerifiedAt, int Damaged);

/// <summary>Sums the points up by VM, in the database.</summary>
internal sealed class PointSummaries(Db db)
{
    /// <summary>One row for each VM that has a point which was not made for a restore.</summary>
    public async Task<IReadOnlyDictionary<Guid, PointSummary>> AllAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<PointSummary>(new CommandDefinition("""
            SELECT vm_id, CAST(COUNT(*) AS INTEGER) AS points, MAX(CASE WHEN damage IS NULL THEN created_at END) AS last_good_at, MAX(verified_at) AS verified_at,
                CAST(COUNT(damage) AS INTEGER) AS damaged
            FROM recovery_points WHERE NOT common GROUP BY vm_id
            """, cancellationToken: cancellation))).ToDictionary(s => s.VmId);
    }
}
