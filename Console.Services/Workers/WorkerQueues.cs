using System.Text;
using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Workers.Bindings.Queues;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers;

/// <summary>The queues between workers. One begins with the first version that names it, or when it is made here.</summary>
public sealed class WorkerQueues
{
    private const string Kind = "queue";
    private const int MostPeeked = 200;
    private readonly QueueStore _store;
    private readonly QueueUsers _users;
    private readonly QueueSender _sender;
    private readonly Guard _guard;
    private readonly AuditLog _audit;

    internal WorkerQueues(QueueStore store, QueueUsers users, QueueSender sender, Guard guard, AuditLog audit) => (_store, _users, _sender, _guard, _audit) = (store, users, sender, guard, audit);

    /// <summary>One page by name; the search looks into it.</summary>
    public async Task<Result<Page<WorkerQueue>>> ListAsync(Caller caller, PageQuery page, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, Kind, cancellation) is { } refused) return refused;
        var rows = await _store.ListAsync(page, cancellation);
        return new Page<WorkerQueue>([.. rows.Items.Select(_users.Describe)], rows.Total, rows.Number, rows.Size);
    }

    /// <summary>One queue with what it holds now.</summary>
    public async Task<Result<WorkerQueue>> GetAsync(Caller caller, string name, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.Read, Target(name), cancellation) is { } refused) return refused;
        return await ReadAsync(name, cancellation);
    }

    /// <summary>Makes a queue, or changes its settings.</summary>
    public async Task<Result<WorkerQueue>> PutAsync(Caller caller, string name, QueueSettings wanted, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.ManageQueues, Target(name), cancellation) is { } refused) return refused;
        var errors = new List<FieldError>();
        if (!BindingReader.IsName(name)) errors.Add(new("name", $"'{(name.Length > 80 ? name[..80] + "…" : name)}' is no name of a queue.", BindingReader.NameRule));
        if (wanted.DelaySeconds is < 0 or > QueueSender.LongestDelay) errors.Add(new("delaySeconds", $"{wanted.DelaySeconds} is not between 0 and {QueueSender.LongestDelay}.", "Give seconds, at most a day."));
        if (wanted.RetentionSeconds is < 60 or > 14 * 86_400) errors.Add(new("retentionSeconds", $"{wanted.RetentionSeconds} is not between 60 and {14 * 86_400}.", $"Give {QueueStore.UsualRetention} for four days."));
        return errors.Count > 0 ? Problem.Invalid(errors) : await ChangeAsync(caller, name, wanted, cancellation);
    }

    /// <summary>Holds messages back, or hands them out again. Calls that are under way end as they would.</summary>
    public async Task<Result<WorkerQueue>> PauseAsync(Caller caller, string name, bool paused, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.UseQueues, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is null) return Problem.NotFound(Kind, name);
        return await ChangeAsync(caller, name, new QueueSettings(paused), cancellation);
    }

    /// <summary>Removes every message; a call that has some of them ends as it would, and none of them comes again.</summary>
    public async Task<Result<WorkerQueue>> PurgeAsync(Caller caller, string name, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.ManageQueues, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is null) return Problem.NotFound(Kind, name);
        await _store.EmptyAsync(name, remove: false, (connection, gone) => _audit.WriteAsync(connection, caller, "queue.purge", Target(name), name, new { Messages = gone }, null, cancellation), cancellation);
        return await ReadAsync(name, cancellation);
    }

    /// <summary>Deletes a queue with its messages; workers that send to it are told so.</summary>
    /// <returns>Conflict while a deployed worker consumes it.</returns>
    public async Task<Result<Done>> DeleteAsync(Caller caller, string name, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.ManageQueues, Target(name), cancellation) is { } refused) return refused;
        if (!(await ReadAsync(name, cancellation)).TryGet(out var queue, out var problem)) return problem;
        if (queue.Consumer is { } worker) return Problem.Conflict("The queue is consumed", $"The worker '{worker}' consumes '{name}'. Deploy a version that does not, or delete the worker first.");
        await _store.EmptyAsync(name, remove: true, (connection, gone) => _audit.WriteAsync(connection, caller, "queue.delete", Target(name), name, new { Messages = gone }, null, cancellation), cancellation);
        return Done.It;
    }

    /// <summary>Sends messages from outside; they are stored for good when this returns.</summary>
    public async Task<Result<WorkerQueue>> SendAsync(Caller caller, string name, IReadOnlyList<SentMessage> messages, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.UseQueues, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is null) return Problem.NotFound(Kind, name);
        var errors = new List<FieldError>();
        var read = messages.Select((m, i) => Read(m, $"messages[{i}]", errors)).ToList();
        if (errors.Count > 0) return Problem.Invalid(errors);
        if ((await _sender.SendAsync(name, read!, cancellation)).Problem is { } problem) return problem;
        await _audit.WriteAsync(caller, "queue.send", Target(name), name, null, new { Messages = messages.Count }, cancellation);
        return await ReadAsync(name, cancellation);
    }

    /// <summary>The messages whose turn comes first; looking takes none of them.</summary>
    /// <param name="caller">Who asks; needs <see cref="WorkersPermissions.UseQueues"/>, for bodies may hold what is meant for few.</param>
    /// <param name="name">The queue.</param>
    /// <param name="most">At most so many, 1 to 200.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Result<IReadOnlyList<QueuedMessage>>> PeekAsync(Caller caller, string name, int most, CancellationToken cancellation)
    {
        if (await _guard.CheckAsync(caller, WorkersPermissions.UseQueues, Target(name), cancellation) is { } refused) return refused;
        if (await _store.FindAsync(name, cancellation) is null) return Problem.NotFound(Kind, name);
        return Result<IReadOnlyList<QueuedMessage>>.From([.. (await _store.MessagesAsync(name, Math.Clamp(most, 1, MostPeeked), cancellation)).Select(_users.Describe)]);
    }

    private static NewMessage? Read(SentMessage message, string field, List<FieldError> errors)
    {
        switch (message.ContentType)
        {
            case QueueContent.Json when message.Body.ValueKind is not JsonValueKind.Undefined:
                return new NewMessage(message.ContentType, Encoding.UTF8.GetBytes(message.Body.GetRawText()), message.DelaySeconds);
            case QueueContent.Text when message.Body.ValueKind is JsonValueKind.String:
                return new NewMessage(message.ContentType, Encoding.UTF8.GetBytes(message.Body.GetString()!), message.DelaySeconds);
            case QueueContent.Bytes when message.Body.ValueKind is JsonValueKind.String && message.Body.TryGetBytesFromBase64(out var bytes):
                return new NewMessage(message.ContentType, bytes, message.DelaySeconds);
            case QueueContent.Json or QueueContent.Text or QueueContent.Bytes:
                errors.Add(new(field + ".body", "It is missing, or does not fit the content type.", "Send any JSON for json, a text for text, base 64 for bytes."));
                return null;
            default:
                errors.Add(new(field + ".contentType", $"There is no content type '{message.ContentType}' from outside.", "Use json, text or bytes."));
                return null;
        }
    }

    private async Task<Result<WorkerQueue>> ChangeAsync(Caller caller, string name, QueueSettings wanted, CancellationToken cancellation)
    {
        var before = await _store.FindAsync(name, cancellation);
        await _store.PutAsync(name, wanted, connection => _audit.WriteAsync(connection, caller, before is null ? "queue.create" : "queue.change", Target(name), name,
            before is null ? null : new { before.Paused, before.DelaySeconds, before.RetentionSeconds }, wanted, cancellation), cancellation);
        _sender.Wake();
        return await ReadAsync(name, cancellation);
    }

    private async Task<Result<WorkerQueue>> ReadAsync(string name, CancellationToken cancellation) =>
        await _store.FindAsync(name, cancellation) is { } row ? _users.Describe(row) : Problem.NotFound(Kind, name);

    private static string Target(string name) => $"{Kind}:{name}";
}
