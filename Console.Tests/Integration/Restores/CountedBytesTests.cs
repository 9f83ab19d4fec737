using System.Text.Json;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>What the product says that it moved, beside what went over the wire to the bucket.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class CountedBytesTests(SystemLibvirt libvirt)
{
    [Fact]
    public async Task Bytes_to_and_from_a_bucket_are_within_5_percent_of_what_backup_and_restore_report()
    {
        await using var bucket = await S3Server.StartAsync();
        await using var wire = new CountingProxy(bucket.Endpoint);
        await using var lab = await RestoreLab.StartAsync(libvirt, "wire", more: new Dictionary<string, string> { ["Quarterdeck:Repositories:AllowPrivateEndpoints"] = "true" });
        await lab.UseRepositoryAsync(new { name = "Bucket", kind = "s3", endpoint = wire.Endpoint.ToString(), bucket = S3Server.Bucket, prefix = "counted", region = "us-east-1", accessKey = S3Server.AccessKey, secretKey = S3Server.SecretKey });
        await lab.MakeVmAsync(("vda", "qcow2", 64));
        await ReadyAsync(lab);

        var (first, up, _) = await CountedAsync(wire, () => BackUpAsync(lab));
        Near(up, first.GetProperty("storedBytes").GetInt64(), "the first backup, up");
        var then = lab.Contents();

        await lab.WriteAsync("vda", 12 << 20, 12 << 20, 81);
        var (second, more, _) = await CountedAsync(wire, () => BackUpAsync(lab));
        Near(more, second.GetProperty("storedBytes").GetInt64(), "the incremental backup, up");
        second.GetProperty("readBytes").GetInt64().ShouldBe(12 << 20);

        var (restored, _, down) = await CountedAsync(wire, () => lab.RestoredAsync(first.GetProperty("recoveryPointId").GetGuid()));
        Near(down, restored.GetProperty("sentBytes").GetInt64(), "the restore, down");
        await lab.ShouldHoldAsync(then);

        foreach (var mode in new[] { "full", "instant" })
        {
            var (whole, _, all) = await CountedAsync(wire, () => lab.RestoredAsync(first.GetProperty("recoveryPointId").GetGuid(), mode, mode == "instant" ? new { name = lab.Name + "-now", shutdownSeconds = (int?)null } : null));
            Near(all, whole.GetProperty("sentBytes").GetInt64(), $"the {mode} restore, down");
        }
    }

    // The wire has a few per cent of headers and indexes, never less than what is claimed.
    private static void Near(long wire, long reported, string what) => ((double)wire).ShouldBeInRange(reported, reported * 1.05, $"{what}: {wire} on the wire, {reported} reported");

    private static async Task<(JsonElement Result, long Up, long Down)> CountedAsync(CountingProxy wire, Func<Task<JsonElement>> work)
    {
        var (up, down) = (wire.Up, wire.Down);
        var result = await work();
        return (result, wire.Up - up, wire.Down - down);
    }

    private static async Task<JsonElement> BackUpAsync(RestoreLab lab) =>
        (await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/backup", new { repositoryId = lab.RepositoryId }))).GetProperty("result");

    // The console looks at a new repository once by itself.
    private static Task ReadyAsync(RestoreLab lab) => RestoreLab.UntilAsync(async () => (await lab.Rest.GetAsync($"/repositories/{lab.RepositoryId}")).GetProperty("state").GetString() == "ready");
}
