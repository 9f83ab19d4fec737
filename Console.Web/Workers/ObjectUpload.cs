using System.Text;
using System.Text.Json;
using Quarterdeck.Web.Api;
using Quarterdeck.Web.Shared;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>Where a file is on its way into a bucket.</summary>
internal enum UploadState { Waiting, Sending, Put, Kept, Failed, Stopped }

/// <summary>A chosen file on its way into a bucket.</summary>
/// <param name="Index">Its place among the chosen ones, by which the browser knows it.</param>
/// <param name="Key">The object's key.</param>
/// <param name="Bytes">Its size.</param>
internal sealed record ObjectUpload(int Index, string Key, long Bytes)
{
    /// <summary>Where it is.</summary>
    public UploadState State { get; set; }

    /// <summary>Whether it may take the place of an object.</summary>
    public bool Replaces { get; set; }

    /// <summary>Why it was not put; null while nothing is wrong.</summary>
    public string? Why { get; set; }

    /// <summary>Takes an answer to its PUT.</summary>
    public void Take(int status, string body, JsonSerializerOptions json)
    {
        (State, Why) = status switch
        {
            200 => (UploadState.Put, null),
            0 => (UploadState.Failed, body),
            _ => (UploadState.Failed, Told(status, body, json)),
        };
    }

    /// <summary>Marks those of some files that cannot be put whatever is done: no key, too large, no room. Nothing of them is sent.</summary>
    /// <param name="files">The files, in the order in which they are sent.</param>
    /// <param name="bucket">The bucket.</param>
    /// <param name="there">Objects that it has of these keys.</param>
    public static void Judge(IReadOnlyList<ObjectUpload> files, WorkerBucket bucket, IReadOnlyDictionary<string, StoredObject> there)
    {
        var room = bucket.LimitBytes - bucket.UsedBytes;
        foreach (var file in files)
        {
            var grown = file.Bytes - (there.TryGetValue(file.Key, out var before) ? before.Bytes : 0);
            file.Why = Encoding.UTF8.GetByteCount(file.Key) > WorkerBuckets.MostKey ? $"Its key has more than {WorkerBuckets.MostKey} bytes. Choose a shorter folder or name."
                : file.Bytes > WorkerBuckets.MostBytes ? $"It has {Words.Bytes(file.Bytes)}; an object may have {Words.Bytes(WorkerBuckets.MostBytes)} in one piece. Let a worker upload it in parts."
                : grown > room ? $"It has {Words.Bytes(file.Bytes)}, and the bucket has room for {Words.Bytes(Math.Max(0, room.Value))}. Delete objects, or raise the bucket's limit."
                : null;
            if (file.Why is not null) file.State = UploadState.Failed;
            else room -= grown;
        }
    }

    private static string Told(int status, string body, JsonSerializerOptions json)
    {
        try
        {
            if (JsonSerializer.Deserialize<ProblemBody>(body, json) is { Title: not null } told)
                return told.Errors is { Count: > 0 } errors ? string.Join(" ", errors.Select(e => $"{e.Message} {e.Remedy}")) : told.Detail;
        }
        catch (JsonException) { /* not ours: a proxy's page, for instance */ }
        return $"The console answered with status {status}. If a proxy stands in front of it, let it pass uploads of this size.";
    }
}
