using System.Data.Common;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Registry;

/// <summary>What is to be deployed.</summary>
internal sealed record DeploymentDraft(IReadOnlyList<VersionShare> Versions, StickyRule? Sticky, string Reason, bool Automatic, string By);

/// <summary>The tables <c>worker_deployments</c> and <c>worker_shares</c>.</summary>
internal sealed class DeploymentStore(Db db, TimeProvider time)
{
    private const string Columns = "d.serial, d.number, d.sticky, d.reason, d.automatic, d.created_by, d.created_at";

    /// <summary>The deployments of now, by worker.</summary>
    public static async Task<IReadOnlyDictionary<long, WorkerDeployment>> CurrentAsync(DbConnection connection, IReadOnlyList<long> serials, CancellationToken cancellation)
    {
        if (serials.Count == 0) return new Dictionary<long, WorkerDeployment>();
        var rows = await QueryAsync(connection, "JOIN workers w ON w.serial = d.serial AND w.deployment = d.number WHERE d.serial IN @serials", new { serials }, cancellation);
        return rows.ToDictionary(r => r.Serial, r => r.Deployment);
    }

    public async Task<Page<WorkerDeployment>> ListAsync(long serial, PageQuery page, CancellationToken cancellation)
    {
        var values = new { serial, size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition("SELECT COUNT(*) FROM worker_deployments WHERE serial = @serial", values, cancellationToken: cancellation));
        var order = page.Sort is { } sort && !sort.StartsWith('-') ? "ASC" : "DESC";
        var rows = await QueryAsync(connection, $"WHERE d.serial = @serial ORDER BY d.number {order} LIMIT @size OFFSET @offset", values, cancellation);
        return new Page<WorkerDeployment>([.. rows.Select(r => r.Deployment)], total, page.Number, page.Size);
    }

    public async Task<WorkerDeployment?> FindAsync(long serial, int number, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await QueryAsync(connection, "WHERE d.serial = @serial AND d.number = @number", new { serial, number }, cancellation)).SingleOrDefault()?.Deployment;
    }

    /// <summary>The newest deployment before a number whose versions are others: what a rollback goes back to.</summary>
    public async Task<WorkerDeployment?> BeforeAsync(long serial, WorkerDeployment current, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        var rows = await QueryAsync(connection, "WHERE d.serial = @serial AND d.number < @number ORDER BY d.number DESC LIMIT 50", new { serial, number = current.Number }, cancellation);
        return rows.FirstOrDefault(r => !r.Deployment.Versions.SequenceEqual(current.Versions))?.Deployment;
    }

    /// <summary>Adds a deployment, and lets it be the one of now. Null when <paramref name="expected"/> is not the one of now any more: two rollbacks at once must not undo each other.</summary>
    public async Task<WorkerDeployment?> AddAsync(DbConnection connection, long serial, DeploymentDraft draft, int? expected)
    {
        var now = time.GetUtcNow();
        // The update locks the worker's row: deployments of one worker are in a row.
        if (await connection.ExecuteAsync("UPDATE workers SET changed_at = @now WHERE serial = @serial AND (@expected IS NULL OR deployment = CAST(@expected AS INTEGER))", new { serial, now, expected = (long?)expected }) == 0) return null;
        var number = await connection.ExecuteScalarAsync<int>("SELECT coalesce(MAX(number), 0) + 1 FROM worker_deployments WHERE serial = @serial", new { serial });
        await connection.ExecuteAsync("""
            INSERT INTO worker_deployments (serial, number, sticky, reason, automatic, created_by, created_at) VALUES (@serial, @number, @sticky, @Reason, @Automatic, @By, @now)
            """, new { serial, number, sticky = StoredJson.WriteOptional(draft.Sticky), draft.Reason, draft.Automatic, draft.By, now });
        foreach (var share in draft.Versions)
            await connection.ExecuteAsync("INSERT INTO worker_shares (serial, number, version, percent) VALUES (@serial, @number, @Version, @Percent)", new { serial, number, share.Version, share.Percent });
        await connection.ExecuteAsync("UPDATE workers SET deployment = @number WHERE serial = @serial", new { serial, number });
        return new WorkerDeployment(number, draft.Versions, draft.Sticky, draft.Reason, draft.Automatic, draft.By, now);
    }

    private static async Task<IReadOnlyList<Found>> QueryAsync(DbConnection connection, string clauses, object values, CancellationToken cancellation)
    {
        var rows = (await connection.QueryAsync<Row>(new CommandDefinition($"SELECT {Columns} FROM worker_deployments d {clauses}", values, cancellationToken: cancellation))).AsList();
        if (rows.Count == 0) return [];
        // Both lists are wider than the pairs; what is too much is of a few deployments at most, and left out below.
        var shares = (await connection.QueryAsync<Share>(new CommandDefinition(
            "SELECT serial, number, version, percent FROM worker_shares WHERE serial IN @serials AND number IN @numbers ORDER BY version",
            new { serials = rows.Select(r => r.Serial).Distinct().ToArray(), numbers = rows.Select(r => r.Number).Distinct().ToArray() }, cancellationToken: cancellation))).ToLookup(s => (s.Serial, s.Number));
        return [.. rows.Select(r => new Found(r.Serial, new WorkerDeployment(
            r.Number, [.. shares[(r.Serial, r.Number)].Select(s => new VersionShare(s.Version, s.Percent))], StoredJson.ReadOptional<StickyRule>(r.Sticky), r.Reason, r.Automatic, r.CreatedBy, r.CreatedAt)))];
    }

    private sealed record Found(long Serial, WorkerDeployment Deployment);

    private sealed record Row(long Serial, int Number, string? Sticky, string Reason, bool Automatic, string CreatedBy, DateTimeOffset CreatedAt);

    private sealed record Share(long Serial, int Number, int Version, int Percent);
}
