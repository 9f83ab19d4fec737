using System.Data.Common;
using System.Globalization;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Repositories.Registry;

/// <summary>What a look at a repository found.</summary>
internal sealed record RepositoryLook(RepositoryState State, string? Problem, RepositoryFigures? Figures);

/// <summary>Sizes of a repository.</summary>
internal sealed record RepositoryFigures(long UsedBytes, long UniqueBytes, long LogicalBytes, int Points);

/// <summary>The tables <c>repositories</c> and <c>repository_samples</c>.</summary>
internal sealed class RepositoryStore(Db db, TimeProvider time)
{
    private static readonly Dictionary<string, string> Sorts = new(StringComparer.Ordinal)
    {
        ["name"] = "name_key", ["kind"] = "kind", ["location"] = "location", ["state"] = "CASE WHEN state = 'ready' AND damage IS NOT NULL THEN 'damaged' ELSE state END", ["usedBytes"] = "used_bytes", ["logicalBytes"] = "logical_bytes", ["points"] = "points", ["createdAt"] = "created_at",
    };

    public async Task<Result<Page<RepositoryInfo>>> ListAsync(PageQuery page, CancellationToken cancellation)
    {
        var sort = page.Sort ?? "name";
        if (!Sorts.TryGetValue(sort.TrimStart('-'), out var column)) return Problem.Invalid("sort", $"Repositories cannot be sorted by '{sort}'.", $"Use one of: {string.Join(", ", Sorts.Keys)}.");
        var where = page.Search is { Length: > 0 } ? $"WHERE {db.Dialect.Like("name", "search")} OR {db.Dialect.Like("location", "search")}" : "";
        var values = new { search = Dialect.Contains(page.Search ?? ""), size = page.Size, offset = page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT COUNT(*) FROM repositories {where}", values, cancellationToken: cancellation));
        var rows = await connection.QueryAsync<RepositoryRow>(new CommandDefinition(
            $"SELECT {RepositoryRow.Columns} FROM repositories {where} ORDER BY {column} {(sort.StartsWith('-') ? "DESC" : "ASC")}, id LIMIT @size OFFSET @offset", values, cancellationToken: cancellation));
        return new Page<RepositoryInfo>([.. rows.Select(r => r.ToInfo())], total, page.Number, page.Size);
    }

    public async Task<IReadOnlyList<RepositoryRow>> AllAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. await connection.QueryAsync<RepositoryRow>(new CommandDefinition($"SELECT {RepositoryRow.Columns} FROM repositories ORDER BY name_key", cancellationToken: cancellation))];
    }

    public async Task<IReadOnlyList<RepositoryInfo>> LoadAsync(IReadOnlyList<string> ids, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. (await connection.QueryAsync<RepositoryRow>(new CommandDefinition($"SELECT {RepositoryRow.Columns} FROM repositories WHERE id IN @ids", new { ids }, cancellationToken: cancellation))).Select(r => r.ToInfo())];
    }

    public async Task<RepositoryRow?> FindAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<RepositoryRow>(new CommandDefinition($"SELECT {RepositoryRow.Columns} FROM repositories WHERE id = @id", new { id }, cancellationToken: cancellation));
    }

    /// <summary>Adds one; false when its name, its location or it itself is there already.</summary>
    public async Task<bool> AddAsync(RepositoryRow row, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await db.OpenAsync(cancellation);
            await connection.ExecuteAsync(new CommandDefinition("""
                INSERT INTO repositories (id, name, name_key, kind, location, settings, secrets, repository_id, encrypted, append_only, state, used_bytes, unique_bytes, logical_bytes, points, created_at)
                VALUES (@Id, @Name, @key, @Kind, @Location, @Settings, @Secrets, @RepositoryId, @Encrypted, @AppendOnly, @State, 0, 0, 0, 0, @CreatedAt)
                """, new { row.Id, row.Name, key = row.Name.ToLowerInvariant(), row.Kind, row.Location, row.Settings, row.Secrets, row.RepositoryId, row.Encrypted, row.AppendOnly, row.State, row.CreatedAt }, cancellationToken: cancellation));
            return true;
        }
        catch (DbException e) when (Dialect.IsUniqueViolation(e)) { return false; }
    }

    public async Task<bool> NameIsTakenAsync(string name, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<int>(new CommandDefinition("SELECT COUNT(*) FROM repositories WHERE name_key = @key", new { key = name.ToLowerInvariant() }, cancellationToken: cancellation)) > 0;
    }

    /// <summary>Whether a first repository is to be added: only once ever, and only while there is none.</summary>
    public Task<bool> SeedAsync(string location, CancellationToken cancellation) => db.TransactionAsync(async connection =>
        await connection.ExecuteAsync("INSERT INTO repository_seeds (location) VALUES (@location) ON CONFLICT (location) DO NOTHING", new { location }) == 1
        && await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM repositories") == 0, cancellation);

    public async Task RemoveAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM repositories WHERE id = @id", new { id }, cancellationToken: cancellation));
    }

    /// <summary>Writes what a look found; what it could not find stays as it was. Damage that a verification found stays until the next one.</summary>
    public Task LookedAsync(Guid id, RepositoryLook look, int sampleDays, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var now = time.GetUtcNow();
        var known = await connection.ExecuteAsync("""
            UPDATE repositories SET state = CASE WHEN @state = 'ready' AND damage IS NOT NULL THEN 'damaged' ELSE @state END, problem = CASE WHEN @state = 'ready' THEN damage ELSE @Problem END, looked_at = @now,
                used_bytes = coalesce(@UsedBytes, used_bytes), unique_bytes = coalesce(@UniqueBytes, unique_bytes), logical_bytes = coalesce(@LogicalBytes, logical_bytes), points = coalesce(@Points, points)
            WHERE id = @id
            """, new { id, state = look.State.ToColumn(), look.Problem, now, look.Figures?.UsedBytes, look.Figures?.UniqueBytes, look.Figures?.LogicalBytes, look.Figures?.Points });
        if (known == 0 || look.Figures is not { } figures) return known;
        var day = Day(DateOnly.FromDateTime(now.UtcDateTime));
        await connection.ExecuteAsync("""
            INSERT INTO repository_samples (repository_id, day, used_bytes, logical_bytes, points) VALUES (@id, @day, @UsedBytes, @LogicalBytes, @Points)
            ON CONFLICT (repository_id, day) DO UPDATE SET used_bytes = excluded.used_bytes, logical_bytes = excluded.logical_bytes, points = excluded.points
            """, new { id, day, figures.UsedBytes, figures.LogicalBytes, figures.Points });
        return await connection.ExecuteAsync("DELETE FROM repository_samples WHERE repository_id = @id AND day < @first", new { id, first = Day(DateOnly.FromDateTime(now.UtcDateTime).AddDays(-sampleDays)) });
    }, cancellation);

    /// <summary>Writes what a verification of the whole repository found.</summary>
    public async Task VerifiedAsync(Guid id, string? damage, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition("UPDATE repositories SET verified_at = @now, damage = @damage WHERE id = @id", new { id, damage, now = time.GetUtcNow() }, cancellationToken: cancellation));
    }

    public async Task<IReadOnlyList<RepositorySample>> SamplesAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. (await connection.QueryAsync<(string Day, long Used, long Logical, int Points)>(new CommandDefinition(
            "SELECT day, used_bytes, logical_bytes, points FROM repository_samples WHERE repository_id = @id ORDER BY day", new { id }, cancellationToken: cancellation)))
            .Select(r => new RepositorySample(DateOnly.ParseExact(r.Day, "yyyy-MM-dd", CultureInfo.InvariantCulture), r.Used, r.Logical, r.Points))];
    }

    private static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
