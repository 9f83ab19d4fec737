using System.Collections.Specialized;
using System.Globalization;
using System.Text.Json;
using System.Web;
using Microsoft.AspNetCore.Http;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;

namespace Quarterdeck.Workers.Bindings.Buckets;

/// <summary>Object storage for workers, with the limits of the Workers documentation (R2) where they are not the console's own.</summary>
/// <remarks>
/// <c>o?k=KEY</c>: GET, HEAD, PUT; <c>d</c>: POST, a JSON array of keys; <c>l?prefix=&amp;delimiter=&amp;after=&amp;limit=&amp;include=</c>: GET; <c>u?k=KEY</c>: POST begins an upload in parts,
/// with <c>&amp;upload=ID</c>: PUT <c>&amp;part=N</c>, POST completes, DELETE aborts. Options are the header <c>x-bucket-options</c>, an object is told in <c>x-bucket-object</c>: JSON with percent encoding.
/// </remarks>
internal sealed class BucketBinding(BucketStore buckets, BucketObjects objects) : IBindingService
{
    private const string Options = "x-bucket-options", Told = "x-bucket-object";
    private const int MostBody = 4 << 20, MostDeleted = 1000;

    public string Kind => "bucket";

    public async ValueTask<BindingReply> HandleAsync(BindingCall call, CancellationToken cancellation)
    {
        if (call.Path.Split('/') is not [var escaped, var what]) return BindingReply.NotFound;
        var name = Uri.UnescapeDataString(escaped);
        if (await buckets.FindAsync(name, cancellation) is not { } bucket)
        {
            await call.Body.CopyToAsync(Stream.Null, cancellation);
            return BindingReply.Of($"The bucket '{name}' was deleted.", StatusCodes.Status410Gone);
        }
        var query = HttpUtility.ParseQueryString(call.Query);
        var key = query["k"] ?? "";
        return (what, call.Method) switch
        {
            ("o", "GET" or "HEAD") => await GetAsync(bucket, key, call, cancellation),
            ("o", "PUT") => await PutAsync(bucket, key, call, cancellation),
            ("d", "POST") => await DeleteAsync(bucket, call.Body, cancellation),
            ("l", "GET") => await ListAsync(bucket, query, cancellation),
            ("u", _) => await UploadAsync(bucket, key, query, call, cancellation),
            _ => BindingReply.NotFound,
        };
    }

    private async Task<BindingReply> GetAsync(BucketRow bucket, string key, BindingCall call, CancellationToken cancellation)
    {
        if (Read(call, new GetOptions()) is not { } options) return Refuse("The options cannot be read.");
        if (await objects.FindAsync(bucket, key, cancellation) is not { } found) return BindingReply.NotFound;
        if (options.OnlyIf?.Holds(found) == false) return new BindingReply(StatusCodes.Status412PreconditionFailed) { Headers = Headers(found, null) };
        if (call.Method == "HEAD") return new BindingReply(StatusCodes.Status200OK) { Headers = Headers(found, null) };
        if (!Range(options.Range, found.Bytes, out var offset, out var length)) return BindingReply.Of("The requested range is not satisfiable", StatusCodes.Status416RangeNotSatisfiable);
        var headers = Headers(found, options.Range is null ? null : (offset, length));
        headers["Content-Length"] = length.ToString(CultureInfo.InvariantCulture);
        return new BindingReply(StatusCodes.Status200OK, objects.Open(bucket, found, offset, length)) { Headers = headers };
    }

    private async Task<BindingReply> PutAsync(BucketRow bucket, string key, BindingCall call, CancellationToken cancellation)
    {
        if (Read(call, new PutOptions()) is not { } options)
        {
            await call.Body.CopyToAsync(Stream.Null, cancellation);
            return Refuse("The options cannot be read.");
        }
        if (!(await TakenAsync(call.Body, () => objects.PutAsync(bucket, key, call.Body, options, cancellation), cancellation)).TryGet(out var put, out var problem)) return Refuse(problem);
        return put is null ? new BindingReply(StatusCodes.Status412PreconditionFailed) : BindingReply.Of(put.Tell());
    }

    private async Task<BindingReply> DeleteAsync(BucketRow bucket, Stream body, CancellationToken cancellation)
    {
        if (await JsonAsync<List<string>>(body, cancellation) is not { } keys) return Refuse("The keys cannot be read.");
        if (keys.Count > MostDeleted) return Refuse($"There are {keys.Count} keys, {MostDeleted} are allowed at once.");
        await objects.DeleteAsync(bucket, keys, cancellation);
        return new BindingReply(StatusCodes.Status204NoContent);
    }

    private async Task<BindingReply> ListAsync(BucketRow bucket, NameValueCollection query, CancellationToken cancellation)
    {
        var limit = query["limit"] is not { } text ? BucketObjects.MostListed : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var asked) ? asked : 0;
        if (limit is < 1 or > BucketObjects.MostListed) return Refuse($"MaxKeys params must be positive integer <= {BucketObjects.MostListed}.");
        var page = await objects.ListAsync(bucket, query["prefix"] ?? "", query["delimiter"] ?? "", query["after"] ?? "", limit, cancellation);
        var include = (query["include"] ?? "").Split(',');
        return BindingReply.Of($$"""
            {"objects":[{{string.Join(',', page.Objects.Select(o => Shown(o, include).Tell()))}}],"folders":{{JsonSerializer.Serialize(page.Folders)}},"last":{{JsonSerializer.Serialize(page.Last)}}}
            """);
    }

    private async Task<BindingReply> UploadAsync(BucketRow bucket, string key, NameValueCollection query, BindingCall call, CancellationToken cancellation)
    {
        if (query["upload"] is not { } text)
            return call.Method != "POST" || Read(call, new PutOptions()) is not { } options ? BindingReply.NotFound
                : (await objects.BeginUploadAsync(bucket, key, options, cancellation)).TryGet(out var begun, out var wrong) ? BindingReply.Of(begun.ToString("N")) : Refuse(wrong);
        if (!Guid.TryParseExact(text, "N", out var upload)) upload = Guid.Empty;
        switch (call.Method)
        {
            case "PUT":
                var number = int.TryParse(query["part"], NumberStyles.None, CultureInfo.InvariantCulture, out var part) ? part : 0;
                return (await TakenAsync(call.Body, () => objects.UploadPartAsync(bucket, key, upload, number, call.Body, cancellation), cancellation)).TryGet(out var etag, out var problem) ? BindingReply.Of(etag) : Refuse(problem);
            case "POST":
                if (await JsonAsync<List<CompletedPart>>(call.Body, cancellation) is not { } named) return Refuse("The parts cannot be read.");
                return (await objects.CompleteAsync(bucket, key, upload, named, cancellation)).TryGet(out var made, out problem) ? BindingReply.Of(made.Tell()) : Refuse(problem);
            case "DELETE":
                return (await objects.AbortAsync(bucket, key, upload, cancellation)).Problem is { } refused ? Refuse(refused) : new BindingReply(StatusCodes.Status204NoContent);
            default:
                return BindingReply.NotFound;
        }
    }

    /// <summary>The bytes that are asked for; false when the object has none of them.</summary>
    internal static bool Range(ObjectRange? asked, long bytes, out long offset, out long length)
    {
        (offset, length) = asked switch
        {
            null => (0, bytes),
            { Suffix: { } last } => (Math.Max(0, bytes - last), Math.Min(bytes, last)),
            _ => (asked.Offset ?? 0, asked.Length ?? long.MaxValue),
        };
        if (asked is not null && (offset < 0 || length <= 0 || offset >= bytes)) return false;
        length = Math.Min(length, bytes - offset);
        return true;
    }

    /// <summary>Reads a body to its end also where the repository fails: an answer that overtakes it breaks the connection on which it still comes.</summary>
    private static async Task<Result<T>> TakenAsync<T>(Stream body, Func<Task<Result<T>>> work, CancellationToken cancellation)
    {
        try { return await work(); }
        catch (RepositoryException e)
        {
            await body.CopyToAsync(Stream.Null, cancellation);
            return e.Problem;
        }
    }

    private static BucketObject Shown(BucketObject found, string[] include) => found with
    {
        Http = include.Contains("httpMetadata") ? found.Http : new ObjectHttp(), Custom = include.Contains("customMetadata") ? found.Custom : new Dictionary<string, string>(),
    };

    private static Dictionary<string, string> Headers(BucketObject found, (long, long)? range) => new() { [Told] = Uri.EscapeDataString(found.Tell(range)) };

    private static T? Read<T>(BindingCall call, T usual) where T : class
    {
        try { return call.Header(Options) is { Length: > 0 } text ? JsonSerializer.Deserialize<T>(Uri.UnescapeDataString(text), JsonSerializerOptions.Web) : usual; }
        catch (JsonException) { return null; }
    }

    private static async Task<T?> JsonAsync<T>(Stream body, CancellationToken cancellation) where T : class
    {
        var bytes = new MemoryStream();
        var part = new byte[32 << 10];
        while (await body.ReadAsync(part, cancellation) is var read and > 0)
            if (bytes.Length < MostBody) bytes.Write(part.AsSpan(0, read));
        try { return bytes.Length >= MostBody ? null : JsonSerializer.Deserialize<T>(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), JsonSerializerOptions.Web); }
        catch (JsonException) { return null; }
    }

    private static BindingReply Refuse(string text) => BindingReply.Of(text, StatusCodes.Status400BadRequest);

    private static BindingReply Refuse(Problem problem) => BindingReply.Of(
        problem.Errors.Count > 0 ? string.Join(" ", problem.Errors.Select(e => $"{e.Field}: {e.Message} {e.Remedy}")) : problem.Detail,
        problem.Kind is ProblemKind.Unavailable ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status400BadRequest);

    private sealed record GetOptions(BucketCondition? OnlyIf = null, ObjectRange? Range = null);
}

/// <summary>A part of an object: from an offset, so many bytes; or the last ones.</summary>
internal sealed record ObjectRange(long? Offset = null, long? Length = null, long? Suffix = null);
