using System.Data.Common;
using System.Text.Json;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Backups.Jobs;

/// <summary>The table <c>backup_jobs</c>; when they run is kept with the schedules.</summary>
internal sealed class JobStore(Db db)
{
    private const string Columns = "id, name, repository_id, targets, retention, verify, enabled, bytes_per_second, parallel_per_host, created_by, created_at, last_run_at, last_operation_id";

    /// <summary>What lists may be sorted by.</summary>
    public static readonly IReadOnlyDictionary<string, string> Sorts = new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = "name_key", ["createdAt"] = "created_at", ["lastRunAt"] = "last_run_at" };

    /// <summary>Adds it, or replaces what it is (not when it last ran); refused when another has the name.</summary>
    public async Task<Problem?> SaveAsync(BackupJob job, Func<DbConnection, Task> alongside, CancellationToken cancellation)
    {
        try
        {
            await db.TransactionAsync(async connection =>
            {
                await connection.ExecuteAsync("""
                    INSERT INTO backup_jobs (id, name, name_key, repository_id, targets, retention, verify, enabled, bytes_per_second, parallel_per_host, created_by, created_at)
                    VALUES (@Id, @Name, @key, @RepositoryId, @targets, @retention, @Verify, @Enabled, @BytesPerSecond, @ParallelPerHost, @CreatedBy, @CreatedAt)
                    ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, repository_id = excluded.repository_id, targets = excluded.targets, retention = excluded.retention,
                        verify = excluded.verify, enabled = excluded.enabled, bytes_per_second = excluded.bytes_per_second, parallel_per_host = excluded.parallel_per_host
                    """, new
                {
                    job.Id, job.Name, key = job.Name.ToLowerInvariant(), job.RepositoryId, targets = JsonSerializer.Serialize(job.Targets), retention = JsonSerializer.Serialize(job.Retention), job.Verify,
                    job.Enabled, job.BytesPerSecond, job.ParallelPerHost, job.CreatedBy, job.CreatedAt,
                });
                await alongside(connection);
            }, cancellation);
            return null;
        }
        catch (DbException e) when (Dialect.IsUniqueViolation(e)) { return Problem.Invalid("name", $"There is a backup job '{job.Name}' already.", "Choose another name."); }
    }

    public Task DeleteAsync(Guid id, Func<DbConnection, Task> alongside, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await connection.ExecuteAsync("DELETE FROM backup_jobs WHERE id = @id", new { id });
        await alongside(connection);
    }, cancellation);

    /// <summary>A run has begun.</summary>
    public async Task RunsAsync(Guid id, Guid operation, DateTimeOffset at, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync("UPDATE backup_jobs SET last_run_at = @at, last_operation_id = @operation WHERE id = @id", new { id, at, operation });
    }

    public async Task<BackupJob?> FindAsync(Guid id, CancellationToken cancellation) => (await QueryAsync("WHERE id = @id", new { id }, cancellation)).SingleOrDefault();

    public Task<IReadOnlyList<BackupJob>> LoadAsync(IReadOnlyList<string> keys, CancellationToken cancellation) => QueryAsync("WHERE id IN @keys", new { keys }, cancellation);

    public Task<IReadOnlyList<BackupJob>> AllAsync(CancellationToken cancellation) => QueryAsync("ORDER BY name_key", new { }, cancellation);

    public async Task<Page<BackupJob>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        var sort = page.Sort ?? "name";
        var where = page.Search is { Length: > 0 } ? $"WHERE {db.Dialect.Like("name", "search")}" : "";
        var values = new { search = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>($"SELECT COUNT(*) FROM backup_jobs {where}", values);
        return new Page<BackupJob>(await QueryAsync($"{where} ORDER BY {Sorts[sort.TrimStart('-')]} {(sort.StartsWith('-') ? "DESC" : "ASC")}, id LIMIT @size OFFSET @offset", values, cancellation), total, page.Number, page.Size);
    }

    private async Task<IReadOnlyList<BackupJob>> QueryAsync(string clauses, object values, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. (await connection.QueryAsync<Row>($"SELECT {Columns} FROM backup_jobs {clauses}", values)).Select(r => r.ToJob())];
    }

    private sealed record Row(
        Guid Id, string Name, Guid RepositoryId, string Targets, string Retention, bool Verify, bool Enabled, long? BytesPerSecond, int ParallelPerHost, string CreatedBy, DateTimeOffset CreatedAt,
        DateTimeOffset? LastRunAt, Guid? LastOperationId)
    {
        public BackupJob ToJob() => new()
        {
            Id = Id, Name = Name, RepositoryId = RepositoryId, Targets = JsonSerializer.Deserialize<JobTargets>(Targets)!, Retention = JsonSerializer.Deserialize<Retention>(Retention)!, Verify = Verify,
            Enabled = Enabled, BytesPerSecond = BytesPerSecond, ParallelPerHost = ParallelPerHost, CreatedBy = CreatedBy, CreatedAt = CreatedAt, LastRunAt = LastRunAt, LastOperationId = LastOperationId,
        };
    }
}
