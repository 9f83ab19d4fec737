using System.Text.Json;
using Quarterdeck.Web.Workers;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Web.Workers;

public sealed class ObjectUploadTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Files_that_cannot_be_put_are_told_apart_before_any_is_sent()
    {
        var bucket = new WorkerBucket("b", Guid.NewGuid(), "Local", 1, 60, 100, Noon);
        var there = new Dictionary<string, StoredObject> { ["old"] = new("old", 50, "", null, new Dictionary<string, string>(), Noon) };
        // 40 bytes are free: the first takes 30, so that 20 find no room; in the place of 50 go 60; nothing is left then.
        ObjectUpload[] files = [new(0, "a", 30), new(1, "b", 20), new(2, "old", 60), new(3, "c", 1), new(4, new string('ü', 513), 0), new(5, "d", WorkerBuckets.MostBytes + 1), new(6, "empty", 0)];
        ObjectUpload.Judge(files, bucket, there);
        files.Where(f => f.State is UploadState.Waiting).Select(f => f.Index).ShouldBe([0, 2, 6]);
        files[1].Why.ShouldBe("It has 20 B, and the bucket has room for 10 B. Delete objects, or raise the bucket's limit.");
        files[3].Why!.ShouldContain("room for 0 B");
        files[4].Why!.ShouldContain("more than 1024 bytes");
        files[5].Why!.ShouldContain("5 GiB in one piece");
        ObjectUpload[] free = [new(0, "large", 1L << 40)];
        ObjectUpload.Judge(free, bucket with { LimitBytes = null }, there);
        free[0].Why!.ShouldContain("in one piece");
    }

    [Theory]
    [InlineData(200, "{}", null)]
    [InlineData(0, "The upload was stopped.", "The upload was stopped.")]
    [InlineData(409, """{"title":"The bucket is full","status":409,"detail":"There is no room."}""", "There is no room.")]
    [InlineData(422, """{"title":"Invalid","status":422,"detail":"","errors":[{"field":"key","message":"It is long.","remedy":"Take another."}]}""", "It is long. Take another.")]
    [InlineData(413, "<html>proxy</html>", "The console answered with status 413. If a proxy stands in front of it, let it pass uploads of this size.")]
    public void An_answer_is_told_in_words(int status, string body, string? why)
    {
        var file = new ObjectUpload(0, "k", 1);
        file.Take(status, body, JsonSerializerOptions.Web);
        (file.State, file.Why).ShouldBe((why is null ? UploadState.Put : UploadState.Failed, why));
    }
}
