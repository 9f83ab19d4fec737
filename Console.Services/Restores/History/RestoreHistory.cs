using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Restores.History;

/// <summary>How fast restores were, for the estimates of plans.</summary>
internal sealed class RestoreHistory(Db db)
{
    private const int Recent = 10;
    private const double Assumed = 100 << 20;

    /// <summary>Remembers one that ended well.</summary>
    public async Task AddAsync(Guid operation, Guid repositoryId, RestoreResult result, DateTimeOffset at, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("""
            INSERT INTO restores (id, repository_id, vm_id, mode, read_bytes, sent_bytes, written_bytes, chunks, seconds, ended_at)
            VALUES (@operation, @repositoryId, @VmId, @mode, @ReadBytes, @SentBytes, @WrittenBytes, @Chunks, @Seconds, @at)
            ON CONFLICT (id) DO NOTHING
            """, new { operation, repositoryId, result.VmId, mode = EnumColumn.ToColumn(result.Mode), result.ReadBytes, result.SentBytes, result.WrittenBytes, result.Chunks, result.Seconds, at }, cancellationToken: cancellation));
    }

    /// <summary>Bytes a second that restores from the repository read and wrote lately, waits included; an assumption until one has ended.</summary>
    public async Task<(double BytesPerSecond, bool Measured)> RateAsync(Guid repositoryId, RestoreMode mode, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var rows = (await connection.QueryAsync<(long Read, long Written, double Seconds)>(new CommandDefinition("""
            SELECT read_bytes, written_bytes, seconds FROM restores
            WHERE repository_id = @repositoryId AND mode = @mode AND seconds > 0 ORDER BY ended_at DESC LIMIT @Recent
            """, new { repositoryId, mode = EnumColumn.ToColumn(mode), Recent }, cancellationToken: cancellation))).AsList();
        var seconds = rows.Sum(r => r.Seconds);
        var bytes = rows.Sum(r => r.Read + r.Written);
        return bytes > 0 && seconds > 0 ? (bytes / seconds, true) : (Assumed, false);
    }
}
