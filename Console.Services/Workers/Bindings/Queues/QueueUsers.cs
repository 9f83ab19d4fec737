using System.Text;

namespace Quarterdeck.Workers.Bindings.Queues;

/// <summary>Who consumes which queue, out of the table that requests are routed by.</summary>
internal sealed class QueueUsers(WorkerTable table, TimeProvider time)
{
    private const int MostShown = 2048;

    /// <summary>The queue as people see it.</summary>
    public WorkerQueue Describe(QueueRow row)
    {
        var workers = table.Current.Workers.Values;
        var consumer = workers.Where(w => Consumes(w, row.Name) is not null).OrderBy(w => w.Tier is WorkerTier.Off).ThenBy(w => w.Serial).FirstOrDefault();
        var dead = workers.SelectMany(w => w.Versions).SelectMany(v => v.Triggers.Queues).Where(q => q.DeadLetterQueue == row.Name).Select(q => q.Queue).Distinct().Order(StringComparer.Ordinal);
        var state = row.Paused ? QueueState.Paused : consumer is null ? QueueState.Unconsumed : consumer.Tier is WorkerTier.Off ? QueueState.ConsumerOff : QueueState.Flowing;
        return new WorkerQueue(row.Name, state, row.Messages, row.Bytes, row.InFlight, row.Delayed, row.Failed, row.OldestAt, consumer?.Name, consumer is null ? null : Consumes(consumer, row.Name), [.. dead], row.DelaySeconds, row.RetentionSeconds, row.CreatedAt);
    }

    /// <summary>A message as people see it.</summary>
    public QueuedMessage Describe(MessageRow row)
    {
        var body = row.ContentType is QueueContent.Bytes ? Convert.ToBase64String(row.Body.AsSpan(0, Math.Min(row.Body.Length, MostShown))) : Encoding.UTF8.GetString(row.Body.AsSpan(0, Math.Min(row.Body.Length, MostShown)));
        var state = row.DueAt <= time.GetUtcNow() ? MessageState.Waiting : row.Lease is null ? MessageState.Delayed : MessageState.InFlight;
        return new QueuedMessage(row.Id.ToString("N"), state, row.ContentType, row.Bytes, body, row.SentAt, row.DueAt, row.Attempts, row.Failure, row.Origin);
    }

    private static QueueConsumer? Consumes(DeployedWorker worker, string queue) => worker.Versions.SelectMany(v => v.Triggers.Queues).FirstOrDefault(q => q.Queue == queue);
}
