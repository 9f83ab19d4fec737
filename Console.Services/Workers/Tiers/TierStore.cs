using System.Data.Common;
using Dapper;
using Quarterdeck.Access;
using Quarterdeck.Database;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers.Tiers;

/// <summary>A step that was taken, with what is needed to tell of it.</summary>
internal sealed record TakenStep(Guid WorkerId, long Serial, string Name, TierStep Step);

/// <summary>Strikes and steps in the database. Each change holds the worker's row, so that two nodes never count or move at once.</summary>
internal sealed class TierStore(Db db, AuditLog audit, TimeProvider time)
{
    /// <summary>Adds to a worker's score and takes the step that the judgement asks for. Tier null: the worker is gone.</summary>
    public Task<(WorkerTier? Tier, TakenStep? Step)> StrikeAsync(long serial, double weight, string reason, TiersOptions options, CancellationToken cancellation) =>
        db.TransactionAsync<(WorkerTier?, TakenStep?)>(async connection =>
        {
            if (await LockAsync(connection, serial) is not { } worker) return (null, null);
            if (worker.Tier is WorkerTier.Off) return (WorkerTier.Off, null);
            var now = time.GetUtcNow();
            var before = await StandingAsync(connection, worker, options, now);
            var standing = before with { Score = before.Score + weight };
            if (TierRules.Judge(standing, options, now) is { } move) return (move.Tier, await TakeAsync(connection, worker, move, reason, Caller.System, punished: true, now));
            await connection.ExecuteAsync("""
                INSERT INTO worker_strikes (serial, score, scored_at) VALUES (@serial, @score, @now)
                ON CONFLICT (serial) DO UPDATE SET score = excluded.score, scored_at = excluded.scored_at
                """, new { serial, score = standing.Score, now });
            return (worker.Tier, null);
        }, cancellation);

    /// <summary>Moves a worker as a person asks; null when it is gone or already where <paramref name="refuse"/> does not want it moved.</summary>
    public Task<TakenStep?> MoveAsync(Caller caller, long serial, WorkerTier tier, string reason, Func<Moved, bool> refuse, CancellationToken cancellation) => db.TransactionAsync(async connection =>
        await LockAsync(connection, serial) is { } worker && !refuse(worker)
            ? await TakeAsync(connection, worker, new Move(tier, tier is WorkerTier.Shared ? null : TierCause.Hand, null), reason, caller, punished: false, time.GetUtcNow())
            : null, cancellation);

    /// <summary>Takes every worker whose time is over one step back.</summary>
    public async Task<IReadOnlyList<TakenStep>> ReturnAsync(TiersOptions options, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        IEnumerable<long> due;
        await using (var connection = await db.OpenAsync(cancellation))
            due = await connection.QueryAsync<long>(new CommandDefinition("SELECT serial FROM workers WHERE tier_until <= @now ORDER BY tier_until LIMIT 500", new { now }, cancellationToken: cancellation));
        var steps = new List<TakenStep>();
        foreach (var serial in due)
            if (await db.TransactionAsync(connection => ReturnAsync(connection, serial, options, now), cancellation) is { } step) steps.Add(step);
        return steps;
    }

    /// <summary>A worker's last steps, newest first.</summary>
    public async Task<IReadOnlyList<TierStep>> HistoryAsync(long serial, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return (await connection.QueryAsync<StepRow>(new CommandDefinition(
            "SELECT at, from_tier, to_tier, reason, actor, until FROM worker_tier_steps WHERE serial = @serial ORDER BY at DESC, id DESC LIMIT 100", new { serial }, cancellationToken: cancellation)))
            .Select(row => new TierStep(row.At, row.FromTier, row.ToTier, row.Reason, row.Actor, row.Until)).ToList();
    }

    private async Task<TakenStep?> ReturnAsync(DbConnection connection, long serial, TiersOptions options, DateTimeOffset now)
    {
        // Another node may have been quicker.
        if (await LockAsync(connection, serial) is not { TierUntil: { } until } worker || until > now) return null;
        var standing = await StandingAsync(connection, worker, options, now);
        return await TakeAsync(connection, worker, TierRules.Return(standing, options, now), "Its time was over.", Caller.System, punished: false, now);
    }

    private async Task<Moved?> LockAsync(DbConnection connection, long serial) => await connection.QuerySingleOrDefaultAsync<Moved>(
        $"SELECT id, serial, name, trusted, tier, tier_cause, tier_reason, tier_until FROM workers WHERE serial = @serial {db.Dialect.ForUpdate}", new { serial });

    private static async Task<Standing> StandingAsync(DbConnection connection, Moved worker, TiersOptions options, DateTimeOffset now)
    {
        var strikes = await connection.QuerySingleOrDefaultAsync<ScoreRow>("SELECT score, scored_at FROM worker_strikes WHERE serial = @serial", new { serial = worker.Serial });
        var punished = await connection.ExecuteScalarAsync<int>(
            "SELECT COUNT(*) FROM worker_tier_steps WHERE serial = @serial AND punished AND at > @since", new { serial = worker.Serial, since = now - TimeSpan.FromDays(1) });
        return new Standing(worker.Tier, worker.Trusted, worker.TierCause == TierCause.Hand.ToColumn(), strikes is null ? 0 : TierRules.Faded(strikes.Score, now - strikes.ScoredAt, options), punished);
    }

    private async Task<TakenStep> TakeAsync(DbConnection connection, Moved worker, Move move, string reason, Caller caller, bool punished, DateTimeOffset now)
    {
        var shown = move.Tier is WorkerTier.Shared ? null : reason;
        await connection.ExecuteAsync(
            "UPDATE workers SET tier = @tier, tier_cause = @cause, tier_reason = @shown, tier_until = @until, changed_at = @now WHERE serial = @serial",
            new { serial = worker.Serial, tier = move.Tier.ToColumn(), cause = move.Cause?.ToColumn(), shown, until = move.Until, now });
        await connection.ExecuteAsync("DELETE FROM worker_strikes WHERE serial = @serial", new { serial = worker.Serial });
        await connection.ExecuteAsync("""
            INSERT INTO worker_tier_steps (id, serial, at, from_tier, to_tier, punished, reason, actor, until)
            VALUES (@id, @serial, @now, @from, @to, @punished, @reason, @actor, @until)
            """, new { id = Guid.CreateVersion7(now), serial = worker.Serial, now, from = worker.Tier.ToColumn(), to = move.Tier.ToColumn(), punished, reason, actor = caller.Name, until = move.Until });
        await audit.WriteAsync(connection, caller, "worker.tier", $"worker:{worker.Name}", worker.Name,
            new { tier = worker.Tier, reason = worker.TierReason, until = worker.TierUntil }, new { tier = move.Tier, reason, until = move.Until }, CancellationToken.None);
        return new TakenStep(worker.Id, worker.Serial, worker.Name, new TierStep(now, worker.Tier, move.Tier, reason, caller.Name, move.Until));
    }

    /// <summary>What a step needs of a worker's row.</summary>
    internal sealed record Moved(Guid Id, long Serial, string Name, bool Trusted, WorkerTier Tier, string? TierCause, string? TierReason, DateTimeOffset? TierUntil);

    private sealed record ScoreRow(double Score, DateTimeOffset ScoredAt);

    private sealed record StepRow(DateTimeOffset At, WorkerTier FromTier, WorkerTier ToTier, string Reason, string Actor, DateTimeOffset? Until);
}
