using System.Data.Common;
using Dapper;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Objects;

/// <summary>Applies migrations that a worker has not behind it yet, in the transaction that makes the version.</summary>
internal sealed class ClassMigrator(ObjectStore store, TimeProvider time)
{
    /// <summary>Applies them; what cannot be applied is thrown, and nothing of it happens.</summary>
    /// <param name="connection">With the open transaction.</param>
    /// <param name="serial">Whose classes.</param>
    /// <param name="migrations">All that there are, in order.</param>
    /// <param name="deploys">Whether the version answers at once; else only classes that begin are allowed, because the old version still runs.</param>
    /// <exception cref="ProblemException">A class is not there, or is there already.</exception>
    public async Task ApplyAsync(DbConnection connection, long serial, IReadOnlyList<ObjectMigration> migrations, bool deploys)
    {
        if (migrations.Count == 0) return;
        var behind = (await connection.QueryAsync<string>("SELECT tag FROM worker_object_migrations WHERE serial = @serial", new { serial })).ToHashSet();
        for (var i = 0; i < migrations.Count; i++)
        {
            var one = migrations[i];
            if (behind.Contains(one.Tag!)) continue;
            if (!deploys && (one.RenamedClasses is { Count: > 0 } || one.DeletedClasses is { Count: > 0 }))
                throw Refused($"migrations[{i}]", "It renames or deletes classes that the deployed version still runs.", "Deploy the version at once, or leave the migration to the upload that is deployed.");
            await store.EnsureAsync(connection, serial, [.. one.NewSqliteClasses ?? [], .. one.NewClasses ?? []]);
            foreach (var (from, to) in (one.RenamedClasses ?? []).Select(r => (r.From!, r.To!)))
            {
                if (await connection.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM worker_object_classes WHERE serial = @serial AND name = @to", new { serial, to }) > 0)
                    throw Refused($"migrations[{i}].renamedClasses", $"There is a class '{to}' already, with objects of its own.", "Rename to a new name, or delete that class first.");
                if (await connection.ExecuteAsync("UPDATE worker_object_classes SET name = @to WHERE serial = @serial AND name = @from AND deleted_at IS NULL", new { serial, from, to }) == 0)
                    throw Refused($"migrations[{i}].renamedClasses", $"There is no class '{from}' of this worker.", "Correct the name, or list the class as new.");
            }
            foreach (var name in one.DeletedClasses ?? [])
                // A class that begins again under the name is another one.
                if (await connection.ExecuteAsync("UPDATE worker_object_classes SET deleted_at = @now, name = name || ' ' || key WHERE serial = @serial AND name = @name AND deleted_at IS NULL", new { serial, name, now = time.GetUtcNow() }) == 0)
                    throw Refused($"migrations[{i}].deletedClasses", $"There is no class '{name}' of this worker.", "Correct the name, or leave it out.");
            await connection.ExecuteAsync("INSERT INTO worker_object_migrations (serial, tag, applied_at) VALUES (@serial, @Tag, @now)", new { serial, one.Tag, now = time.GetUtcNow() });
        }
    }

    private static ProblemException Refused(string field, string message, string remedy) => new(Problem.Invalid(field, message, remedy));
}
