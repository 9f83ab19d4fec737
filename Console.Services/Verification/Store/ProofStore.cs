using System.Text.Json;
using System.Text.Json.Serialization;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;

namespace Quarterdeck.Verification.Store;

/// <summary>The table <c>proofs</c>. Pictures are kept with the newest proofs of a VM only.</summary>
internal sealed class ProofStore(Db db)
{
    private const int PicturesOfVm = 20;
    private const string Columns = "id, recovery_point_id, vm_id, vm_name, started_at, ended_at, passed, evidence, boot_seconds, outcomes, checks, (screenshot IS NOT NULL) AS has_screenshot";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Writes one; a repeated one replaces what is there.</summary>
    public async Task SaveAsync(Proof proof, byte[]? screenshot, CancellationToken cancellation) => await db.TransactionAsync(async connection =>
    {
        await connection.ExecuteAsync(new CommandDefinition("""
            INSERT INTO proofs (id, recovery_point_id, vm_id, vm_name, started_at, ended_at, passed, evidence, boot_seconds, outcomes, checks, screenshot)
            VALUES (@Id, @RecoveryPointId, @VmId, @VmName, @StartedAt, @EndedAt, @Passed, @evidence, @BootSeconds, @outcomes, @checks, @screenshot)
            ON CONFLICT (id) DO UPDATE SET started_at = excluded.started_at, ended_at = excluded.ended_at, passed = excluded.passed, evidence = excluded.evidence,
                boot_seconds = excluded.boot_seconds, outcomes = excluded.outcomes, checks = excluded.checks, screenshot = excluded.screenshot
            """, new
        {
            proof.Id, proof.RecoveryPointId, proof.VmId, proof.VmName, proof.StartedAt, proof.EndedAt, proof.Passed, evidence = EnumColumn.ToColumn(proof.Evidence), proof.BootSeconds,
            outcomes = JsonSerializer.Serialize(proof.Outcomes, Json), checks = JsonSerializer.Serialize(proof.Checks, Json), screenshot,
        }, cancellationToken: cancellation));
        await connection.ExecuteAsync(new CommandDefinition("""
            UPDATE proofs SET screenshot = NULL WHERE vm_id = @VmId AND screenshot IS NOT NULL
            AND id NOT IN (SELECT id FROM proofs WHERE vm_id = @VmId ORDER BY ended_at DESC LIMIT @PicturesOfVm)
            """, new { proof.VmId, PicturesOfVm }, cancellationToken: cancellation));
    }, cancellation);

    /// <summary>One page, newest first.</summary>
    public async Task<Page<Proof>> PageAsync(Guid? vmId, Guid? pointId, PageQuery page, CancellationToken cancellation)
    {
        const string Where = "WHERE (@vmId IS NULL OR vm_id = @vmId) AND (@pointId IS NULL OR recovery_point_id = @pointId)";
        var wanted = new { vmId = vmId?.ToString("D"), pointId = pointId?.ToString("D"), page.Size, page.Offset };
        await using var connection = await db.OpenAsync(cancellation);
        var total = await connection.ExecuteScalarAsync<int>(new CommandDefinition($"SELECT count(*) FROM proofs {Where}", wanted, cancellationToken: cancellation));
        var rows = await connection.QueryAsync<Row>(new CommandDefinition($"SELECT {Columns} FROM proofs {Where} ORDER BY ended_at DESC, id DESC LIMIT @Size OFFSET @Offset", wanted, cancellationToken: cancellation));
        return new Page<Proof>([.. rows.Select(r => r.ToProof())], total, page.Number, page.Size);
    }

    /// <summary>Some, by id.</summary>
    public async Task<IReadOnlyList<Proof>> LoadAsync(IReadOnlyList<string> ids, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return [.. (await connection.QueryAsync<Row>(new CommandDefinition($"SELECT {Columns} FROM proofs WHERE id IN @ids", new { ids }, cancellationToken: cancellation))).Select(r => r.ToProof())];
    }

    /// <summary>The newest of each VM.</summary>
    public async Task<IReadOnlyList<Proof>> LatestAsync(IReadOnlyList<Guid> vmIds, CancellationToken cancellation)
    {
        if (vmIds.Count == 0) return [];
        var ids = vmIds.Select(v => v.ToString("D")).ToList();
        await using var connection = await db.OpenAsync(cancellation);
        return [.. (await connection.QueryAsync<Row>(new CommandDefinition($"""
            SELECT {Columns} FROM proofs p WHERE vm_id IN @ids AND NOT EXISTS (SELECT 1 FROM proofs n WHERE n.vm_id = p.vm_id AND (n.ended_at > p.ended_at OR n.ended_at = p.ended_at AND n.id > p.id))
            """, new { ids }, cancellationToken: cancellation))).Select(r => r.ToProof())];
    }

    /// <summary>A proof's picture, PNG; null when none is kept.</summary>
    public async Task<byte[]?> ScreenshotAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<byte[]>(new CommandDefinition("SELECT screenshot FROM proofs WHERE id = @id", new { id }, cancellationToken: cancellation));
    }

    private sealed record Row
    {
        public required Guid Id { get; init; }
        public required Guid RecoveryPointId { get; init; }
        public required Guid VmId { get; init; }
        public required string VmName { get; init; }
        public required DateTimeOffset StartedAt { get; init; }
        public required DateTimeOffset EndedAt { get; init; }
        public required bool Passed { get; init; }
        public required string Evidence { get; init; }
        public double? BootSeconds { get; init; }
        public required string Outcomes { get; init; }
        public required string Checks { get; init; }
        public bool HasScreenshot { get; init; }

        public Proof ToProof() => new()
        {
            Id = Id, RecoveryPointId = RecoveryPointId, VmId = VmId, VmName = VmName, StartedAt = StartedAt, EndedAt = EndedAt, Passed = Passed, Evidence = Enum.Parse<ProofEvidence>(Evidence, ignoreCase: true),
            BootSeconds = BootSeconds, Outcomes = JsonSerializer.Deserialize<List<CheckOutcome>>(Outcomes, Json)!, Checks = JsonSerializer.Deserialize<ProofChecks>(Checks, Json)!, HasScreenshot = HasScreenshot,
        };
    }
}
