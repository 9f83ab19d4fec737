namespace Quarterdeck.Workers;

/// <summary>Where the runtime hands in what workers log while somebody watches.</summary>
public interface ITailSink
{
    /// <summary>Whether anybody, on any node, watches this worker: only then are its requests run in the variant that reports. Takes no lock; safe for every request.</summary>
    bool IsWatched(long serial);

    /// <summary>Takes what a version did; never waits, never throws.</summary>
    /// <param name="serial">The worker's number.</param>
    /// <param name="version">Its version.</param>
    /// <param name="events">UTF-8 JSON, at most 4 MiB: an array of <c>{outcome, eventTimestamp, cpuTime, wallTime, event: {request: {method, url, headers: {x-request-id}}, response: {status}, cron, queue, scheduledTime}, logs: [{timestamp, level, message}], exceptions: [{timestamp, name, message, stack}], truncated}</c>, times in milliseconds since 1970; what is missing is left out, what is no such array is dropped.</param>
    void Publish(long serial, int version, ReadOnlySpan<byte> events);
}
