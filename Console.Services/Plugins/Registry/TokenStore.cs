using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Plugins.Registry;

/// <summary>The tokens in the table <c>plugins</c>: one-use enrolment tokens and the plug-ins' own, as hashes.</summary>
internal sealed class TokenStore(Db db, TimeProvider time)
{
    /// <summary>A new enrolment token takes the place of an unused one; it does not expire before <see cref="OpenWindowAsync"/> says when.</summary>
    public Task OfferAsync(Guid id, string hash, CancellationToken cancellation) =>
        RunAsync("UPDATE plugins SET enrolment_hash = @hash, enrolment_expires_at = NULL WHERE id = @id AND enrolled_at IS NULL", new { id, hash }, cancellation);

    /// <summary>The VM is powered on: from now the token is valid until <paramref name="until"/>.</summary>
    public Task OpenWindowAsync(Guid id, DateTimeOffset until, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await connection.ExecuteAsync("UPDATE plugins SET state = 'enrolling', enrolment_expires_at = @until WHERE id = @id AND enrolled_at IS NULL", new { id, until });
        await MomentStore.RecordAsync(connection, id, time.GetUtcNow());
    }, cancellation);

    /// <summary>Until when the plug-in may enrol; null before power-on.</summary>
    public async Task<DateTimeOffset?> WindowAsync(Guid id, CancellationToken cancellation) =>
        (await OneAsync<PluginEnrolment>("SELECT id, state, manifest_digest, enrolment_expires_at, enrolled_at FROM plugins WHERE id = @id", new { id }, cancellation))?.EnrolmentExpiresAt;

    public Task<PluginEnrolment?> FindEnrolmentAsync(string hash, CancellationToken cancellation) =>
        OneAsync<PluginEnrolment>("SELECT id, state, manifest_digest, enrolment_expires_at, enrolled_at FROM plugins WHERE enrolment_hash = @hash", new { hash }, cancellation);

    /// <summary>Uses the enrolment token up; false when another request did so first.</summary>
    public async Task<bool> EnrolAsync(Guid id, string tokenHash, DateTimeOffset expires, string? proof, CancellationToken cancellation) =>
        await RunAsync(
            """
            UPDATE plugins SET enrolled_at = @now, heartbeat_at = @now, heard_at = NULL, token_hash = @tokenHash, token_expires_at = @expires, enrolment_proof = @proof,
                next_token_hash = NULL, next_token_expires_at = NULL, revoked_hash = NULL, revoked_next_hash = NULL, revoked_until = NULL
            WHERE id = @id AND enrolled_at IS NULL AND state = 'enrolling'
            """,
            new { id, tokenHash, expires, proof, now = time.GetUtcNow() }, cancellation) == 1;

    /// <summary>The answer to an enrolment got lost: whoever proves that the request was its own gets another token in the place of the one that never arrived. False once that was used.</summary>
    public async Task<bool> EnrolAgainAsync(Guid id, string tokenHash, DateTimeOffset expires, string proof, CancellationToken cancellation) =>
        await RunAsync(
            "UPDATE plugins SET token_hash = @tokenHash, token_expires_at = @expires WHERE id = @id AND enrolment_proof = @proof AND heard_at IS NULL AND enrolment_expires_at > @now AND state = 'enrolling'",
            new { id, tokenHash, expires, proof, now = time.GetUtcNow() }, cancellation) == 1;

    public Task<PluginTokens?> FindTokensAsync(Guid id, CancellationToken cancellation) => OneAsync<PluginTokens>($"SELECT {PluginTokens.Columns} FROM plugins WHERE id = @id", new { id }, cancellation);

    /// <summary>Whose token this is; the one that was revoked is nobody's here.</summary>
    public Task<PluginTokens?> FindTokensAsync(string hash, CancellationToken cancellation) =>
        OneAsync<PluginTokens>($"SELECT {PluginTokens.Columns} FROM plugins WHERE token_hash = @hash OR next_token_hash = @hash", new { hash }, cancellation);

    /// <summary>Revokes its tokens. They are remembered only to be exchanged for another one after <see cref="ReopenAsync"/>.</summary>
    public Task RevokeAsync(Guid id, CancellationToken cancellation) =>
        RunAsync(
            """
            UPDATE plugins SET revoked_hash = token_hash, revoked_next_hash = next_token_hash, revoked_until = NULL, token_hash = NULL, token_expires_at = NULL, next_token_hash = NULL, next_token_expires_at = NULL
            WHERE id = @id AND token_hash IS NOT NULL
            """, new { id }, cancellation);

    /// <summary>Until then a heartbeat with the revoked token is answered with a new one.</summary>
    public Task ReopenAsync(Guid id, DateTimeOffset until, CancellationToken cancellation) =>
        RunAsync("UPDATE plugins SET revoked_until = @until WHERE id = @id AND revoked_hash IS NOT NULL", new { id, until }, cancellation);

    /// <summary>Offers the next token; the present one stays valid until the next one was used.</summary>
    public Task OfferNextAsync(Guid id, string hash, DateTimeOffset expires, CancellationToken cancellation) =>
        RunAsync("UPDATE plugins SET next_token_hash = @hash, next_token_expires_at = @expires WHERE id = @id", new { id, hash, expires }, cancellation);

    /// <summary>The next token was used: it is the token now.</summary>
    public Task TakeNextAsync(Guid id, CancellationToken cancellation) =>
        RunAsync("UPDATE plugins SET token_hash = next_token_hash, token_expires_at = next_token_expires_at, next_token_hash = NULL, next_token_expires_at = NULL, revoked_hash = NULL, revoked_next_hash = NULL, revoked_until = NULL WHERE id = @id AND next_token_hash IS NOT NULL", new { id }, cancellation);

    /// <summary>Stores a heartbeat. Answers the state before it; null when the plug-in takes none (disabled, uninstalling, gone).</summary>
    /// <remarks>While a new version is on trial, a healthy heartbeat counts for it when it names that version, or comes after it enrolled.</remarks>
    public Task<PluginState?> BeatAsync(Guid id, PluginState state, PluginHealth health, string? version, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        var before = await connection.ExecuteScalarAsync<string?>($"SELECT state FROM plugins WHERE id = @id {db.Dialect.ForUpdate}", new { id });
        if (before is null or "disabled" or "uninstalling" or "deploying") return (PluginState?)null;
        await connection.ExecuteAsync(
            """
            UPDATE plugins SET state = @state, health = @health, health_reason = @Reason, health_at = @At, heartbeat_at = @At, heard_at = COALESCE(heard_at, @At), version = COALESCE(@version, version),
                upgrade_heard_at = CASE WHEN upgrade_to IS NOT NULL AND @well = 1 AND (@version = upgrade_to OR (@version IS NULL AND enrolled_at IS NOT NULL)) THEN @At ELSE upgrade_heard_at END
            WHERE id = @id
            """,
            new { id, state = state.ToColumn(), health = health.State.ToColumn(), health.Reason, health.At, version, well = state is PluginState.Ready ? 1 : 0 });
        await MomentStore.RecordAsync(connection, id, time.GetUtcNow());
        return EnumColumn.FromColumn<PluginState>(before);
    }, cancellation);

    private async Task<int> RunAsync(string sql, object values, CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.ExecuteAsync(sql, values);
    }

    private async Task<T?> OneAsync<T>(string sql, object values, CancellationToken cancellation) where T : class
    {
        await using var connection = await db.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<T>(sql, values);
    }
}
