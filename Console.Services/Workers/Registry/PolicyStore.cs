using System.Data.Common;
using Dapper;
using Quarterdeck.Database;

namespace Quarterdeck.Workers.Registry;

/// <summary>The table <c>worker_policy</c>: one row, or none while nothing was set.</summary>
internal sealed class PolicyStore(Db db)
{
    public async Task<WorkerPolicy> ReadAsync(CancellationToken cancellation)
    {
        await using var connection = await db.OpenAsync(cancellation);
        return StoredJson.ReadOptional<WorkerPolicy>(await connection.ExecuteScalarAsync<string?>(new CommandDefinition("SELECT policy FROM worker_policy", cancellationToken: cancellation))) ?? WorkerPolicy.Usual;
    }

    public Task WriteAsync(WorkerPolicy policy, Func<DbConnection, Task> alongside, CancellationToken cancellation) => db.TransactionAsync(async connection =>
    {
        await connection.ExecuteAsync("INSERT INTO worker_policy (one, policy) VALUES (1, @policy) ON CONFLICT (one) DO UPDATE SET policy = excluded.policy", new { policy = StoredJson.Write(policy) });
        await alongside(connection);
    }, cancellation);
}
