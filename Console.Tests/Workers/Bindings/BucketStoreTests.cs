using System.Security.Cryptography;
using System.Text;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers.Bindings.Buckets;

namespace Quarterdeck.Tests.Workers.Bindings;

/// <summary>Objects in a repository's place: whole or not at all, in any size, in memory by the segment.</summary>
public sealed class BucketStoreTests
{
    private static byte[] Random(int bytes, int seed = 1)
    {
        var content = new byte[bytes];
        new Random(seed).NextBytes(content);
        return content;
    }

    [Theory, DatabaseData]
    public async Task Keys_are_listed_by_prefix_delimiter_and_page_in_the_order_of_their_bytes(DatabaseEngine engine)
    {
        await using var lab = await BucketLab.OpenAsync(engine);
        string[] keys = ["a", "b/1", "b/2/x", "b/2/y", "b/é", "b0", "c/😀/z", "d"];
        foreach (var key in keys) (await lab.PutAsync(key, "")).Value!.Key.ShouldBe(key);
        async Task<string> List(string prefix, string delimiter, int limit, string after = "")
        {
            var page = await lab.Objects.ListAsync(lab.Bucket, prefix, delimiter, after, limit, default);
            return $"{string.Join(' ', page.Objects.Select(o => o.Key))} | {string.Join(' ', page.Folders)} | {page.Last ?? "-"}";
        }
        (await List("", "", 100)).ShouldBe("a b/1 b/2/x b/2/y b/é b0 c/😀/z d |  | -");
        (await List("", "/", 100)).ShouldBe("a b0 d | b/ c/ | -");
        (await List("b/", "/", 100)).ShouldBe("b/1 b/é | b/2/ | -");
        (await List("", "/", 2)).ShouldBe("a | b/ | b/");
        (await List("", "/", 2, "b/")).ShouldBe("b0 | c/ | c/");
        (await List("", "/", 2, "c/")).ShouldBe("d |  | -");
        (await List("", "", 3)).ShouldBe("a b/1 b/2/x |  | b/2/x");
        (await List("", "", 3, "b/2/x")).ShouldBe("b/2/y b/é b0 |  | b0");
        (await List("c/😀", "", 9)).ShouldBe("c/😀/z |  | -");
        (await List("none", "/", 9)).ShouldBe(" |  | -");
        var bucket = await lab.RefreshAsync();
        (bucket.Objects, bucket.UsedBytes).ShouldBe((8, 0));
    }

    [Theory, DatabaseData]
    public async Task Of_eight_who_create_one_key_at_once_one_wins_and_a_full_bucket_takes_no_more(DatabaseEngine engine)
    {
        await using var lab = await BucketLab.OpenAsync(engine, limit: 100);
        var onlyNew = new PutOptions(OnlyIf: new BucketCondition(EtagDoesNotMatch: ["*"]));
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => lab.PutAsync("one", $"writer {i}", onlyNew))));
        made.Count(m => m.Value is not null).ShouldBe(1);
        Encoding.UTF8.GetString((await lab.ReadAsync("one"))!).ShouldBe("writer " + made.Index().Single(m => m.Item.Value is not null).Index);
        (await lab.PutAsync("two", new byte[93])).Problem!.Detail.ShouldContain("may hold 100 bytes");
        (await lab.PutAsync("two", new byte[90])).Ok.ShouldBeTrue();
        (await lab.PutAsync("two", new byte[93])).Ok.ShouldBeFalse();
        (await lab.PutAsync("two", new byte[50])).Ok.ShouldBeTrue("it shrinks");
        (await lab.RefreshAsync()).UsedBytes.ShouldBe(58);
    }

    [Fact]
    public async Task An_object_of_many_segments_comes_back_whole_and_in_any_range_also_encrypted()
    {
        await using var lab = await BucketLab.OpenAsync(DatabaseEngine.Sqlite, encrypted: true);
        var content = Random(2 * PartStore.SegmentBytes + 12_345);
        var sha = Convert.ToHexStringLower(SHA256.HashData(content));
        var put = (await lab.PutAsync("big", content, new PutOptions(Checksums: new Dictionary<string, string> { ["sha256"] = sha }))).Value!;
        (put.Bytes, put.Checksums["sha256"], put.Etag).ShouldBe((content.Length, sha, put.Checksums["md5"]));
        (await lab.ReadAsync("big")).ShouldBe(content);
        foreach (var (offset, length) in new (int, int)[] { (0, 1), (PartStore.SegmentBytes - 3, 7), (content.Length - 5, 5), (PartStore.SegmentBytes, PartStore.SegmentBytes) })
            (await lab.ReadAsync("big", offset, length)).ShouldBe(content[offset..(offset + length)], $"{offset}+{length}");
        foreach (var file in Directory.GetFiles(lab.Folder, "*", SearchOption.AllDirectories).Where(f => f.Contains("objects/", StringComparison.Ordinal)))
            File.ReadAllBytes(file).AsSpan().IndexOf(content.AsSpan(1000, 32)).ShouldBe(-1, "what lies in an encrypted repository is encrypted");
        (await lab.PutAsync("big", content, new PutOptions(Checksums: new Dictionary<string, string> { ["sha256"] = new string('0', 64) }))).Problem!.Detail.ShouldContain("sha256 checksum");
        (await lab.ReadAsync("big")).ShouldBe(content, "a put that failed changed nothing");
    }

    [Fact]
    public async Task A_large_body_is_stored_while_it_comes_and_read_only_as_far_as_it_is_asked_for()
    {
        await using var lab = await BucketLab.OpenAsync(DatabaseEngine.Sqlite);
        const int segments = 6;
        var source = new WatchedBody((long)segments * PartStore.SegmentBytes, at => lab.Files().ShouldBe((int)(at / PartStore.SegmentBytes), "what came before is stored before more is taken"));
        (await lab.Objects.PutAsync(lab.Bucket, "large", source, new PutOptions(), default)).Ok.ShouldBeTrue();
        var files = Directory.GetFiles(Path.Combine(lab.Folder, "objects"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        files.Count.ShouldBe(segments);
        File.Delete(files[^1]);
        (await lab.ReadAsync("large", 0, PartStore.SegmentBytes * (segments - 1))).ShouldNotBeNull().Length.ShouldBe(PartStore.SegmentBytes * (segments - 1), "the last segment is not looked at");
        await Should.ThrowAsync<RepositoryException>(() => lab.ReadAsync("large"));
    }

    /// <summary>Zeros without end in sight; says where it is whenever a segment begins.</summary>
    private sealed class WatchedBody(long length, Action<long> begins) : MemoryStream
    {
        private long _at;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_at < length && _at % PartStore.SegmentBytes == 0) begins(_at);
            var taken = (int)Math.Min(Math.Min(buffer.Length, length - _at), PartStore.SegmentBytes - _at % PartStore.SegmentBytes);
            _at += taken;
            return ValueTask.FromResult(taken);
        }
    }

    [Fact]
    public async Task A_damaged_segment_is_told_and_never_handed_out()
    {
        await using var lab = await BucketLab.OpenAsync(DatabaseEngine.Sqlite);
        await lab.PutAsync("a", Random(5000));
        var file = Directory.GetFiles(Path.Combine(lab.Folder, "objects"), "*", SearchOption.AllDirectories).Single();
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[100] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        (await Should.ThrowAsync<RepositoryException>(() => lab.ReadAsync("a"))).Fault.ShouldBe(RepositoryFault.Damaged);
        File.Delete(file);
        (await Should.ThrowAsync<RepositoryException>(() => lab.ReadAsync("a"))).Message.ShouldContain("missing");
    }

    [Theory, DatabaseData]
    public async Task What_is_replaced_deleted_given_up_or_left_by_a_death_is_removed_and_nothing_else(DatabaseEngine engine)
    {
        await using var lab = await BucketLab.OpenAsync(engine);
        await lab.PutAsync("keep", "kept");
        await lab.PutAsync("change", "old");
        var slow = lab.Objects.Open(lab.Bucket, (await lab.Objects.FindAsync(lab.Bucket, "change", default))!, 0, 3);
        await lab.PutAsync("change", "new");
        await lab.PutAsync("delete", "gone");
        await lab.Objects.DeleteAsync(lab.Bucket, ["delete", "never was"], default);
        // A console that dies while it writes: the part is noted, and never becomes an object.
        (await lab.Parts.WriteAsync(lab.Bucket, new MemoryStream(new byte[10]), [], default)).ShouldNotBeNull();
        var upload = (await lab.Objects.BeginUploadAsync(lab.Bucket, "parts", new PutOptions(), default)).Value;
        await lab.Objects.UploadPartAsync(lab.Bucket, "parts", upload, 1, new MemoryStream(new byte[10]), default);
        lab.Files().ShouldBe(6);
        (await lab.Sweep.SweepAsync(default)).ShouldBe(0, "who reads the old one may still finish");
        using (var reader = new StreamReader(slow)) (await reader.ReadToEndAsync()).ShouldBe("old");
        lab.Time.Forward(TimeSpan.FromHours(2));
        (await lab.Sweep.SweepAsync(default)).ShouldBe(2);
        lab.Time.Forward(TimeSpan.FromDays(1));
        (await lab.Sweep.SweepAsync(default)).ShouldBe(1);
        lab.Time.Forward(UploadIndex.Longest);
        (await lab.Sweep.SweepAsync(default)).ShouldBe(1);
        lab.Files().ShouldBe(2);
        (await lab.ReadAsync("keep")).ShouldBe("kept"u8.ToArray());
        (await lab.ReadAsync("change")).ShouldBe("new"u8.ToArray());
        (await lab.Objects.UploadPartAsync(lab.Bucket, "parts", upload, 1, new MemoryStream(new byte[10]), default)).Problem!.Title.ShouldBe("There is no such upload");
        (await lab.Buckets.DeleteAsync(lab.Bucket, _ => Task.CompletedTask, default)).ShouldBeFalse("it holds objects");
        await lab.Objects.DeleteAsync(lab.Bucket, ["keep", "change"], default);
        (await lab.Buckets.DeleteAsync(lab.Bucket, _ => Task.CompletedTask, default)).ShouldBeTrue();
    }

    [Fact]
    public async Task An_upload_in_parts_becomes_one_object_in_an_s3_bucket_without_copying_and_backups_beside_it_stay()
    {
        await using var s3 = await S3Server.StartAsync();
        await using var lab = await BucketLab.OpenAsync(DatabaseEngine.Sqlite, s3: s3);
        var (first, last) = (Random((int)BucketObjects.LeastPart), Random(1000, 2));
        var upload = (await lab.Objects.BeginUploadAsync(lab.Bucket, "big", new PutOptions(new ObjectHttp("video/mp4"), new Dictionary<string, string> { ["by"] = "ada" }), default)).Value;
        async Task<string> Send(int number, byte[] part) => (await lab.Objects.UploadPartAsync(lab.Bucket, "big", upload, number, new MemoryStream(part), default)).Value;
        var small = await Send(1, last);
        var tail = await Send(3, last);
        (await lab.Objects.CompleteAsync(lab.Bucket, "big", upload, [new(1, small), new(3, tail)], default)).Problem!.Detail.ShouldContain("has 1000 bytes");
        var begin = await Send(1, first);
        (await lab.Objects.CompleteAsync(lab.Bucket, "big", upload, [new(1, small), new(3, tail)], default)).Problem!.Detail.ShouldContain("another etag");
        await Send(2, last);
        var made = (await lab.Objects.CompleteAsync(lab.Bucket, "big", upload, [new(3, tail), new(1, begin)], default)).Value;
        (made.Bytes, made.Etag[^2..], made.Http.ContentType, made.Custom["by"]).ShouldBe((first.Length + last.Length, "-2", "video/mp4", "ada"));
        (await lab.ReadAsync("big")).ShouldBe([.. first, .. last]);
        (await lab.ReadAsync("big", first.Length - 2, 4)).ShouldBe([.. first[^2..], .. last[..2]]);
        (await lab.Objects.CompleteAsync(lab.Bucket, "big", upload, [new(1, begin)], default)).Ok.ShouldBeFalse("it was completed");
        lab.Time.Forward(TimeSpan.FromDays(2));
        (await lab.Sweep.SweepAsync(default)).ShouldBe(2, "the part that was sent twice, and the one that was left out");
        (await lab.ReadAsync("big")).ShouldBe([.. first, .. last]);
        // Away: told as it is, and nothing half is left to be seen.
        await s3.TurnAsync("away");
        (await Should.ThrowAsync<RepositoryException>(() => lab.PutAsync("more", "x"))).Fault.ShouldBe(RepositoryFault.Unreachable);
        await s3.TurnAsync("ok");
        (await lab.ReadAsync("more")).ShouldBeNull();
        (await lab.PutAsync("more", "x")).Ok.ShouldBeTrue();
    }
}
