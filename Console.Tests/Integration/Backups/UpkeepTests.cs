using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Tests.Integration.Restores;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Backups;

/// <summary>Prune, copy and verification of repositories with points of a real VM: what they did is on the lists when they end, and what is in use stays.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class UpkeepTests(SystemLibvirt libvirt)
{
    [Fact]
    public async Task What_they_did_is_listed_when_they_end_and_a_point_in_use_is_removed_by_nobody()
    {
        // The proof holds its point and never boots it.
        await using var lab = await RestoreLab.StartAsync(libvirt, "keep", holdAt: "recovery-point.prove/boot-1@begin");
        await lab.MakeVmAsync(("vda", "qcow2", 8));
        var (used, expired) = (await ExpiredAsync(lab), await ExpiredAsync(lab));
        var good = (await lab.BackUpAsync()).Id;
        var proof = await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/recovery-points/{used}/actions/prove", new { });
        await lab.StepAsync(proof, "boot-1");
        (await PointsAsync(lab, lab.RepositoryId)).ShouldBe([good, expired, used]);
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/repositories/{lab.RepositoryId}/actions/prune"));
        (await PointsAsync(lab, lab.RepositoryId)).ShouldBe([good, used]);
        var (refused, problem) = await lab.Rest.SentAsync(HttpMethod.Delete, $"/recovery-points/{used}");
        (refused, problem.GetProperty("title").GetString()).ShouldBe((HttpStatusCode.Conflict, "The recovery point is in use"));

        var from = lab.RepositoryId;
        await lab.UseRepositoryAsync(new { name = "There", kind = "local", location = lab.RepositoryFolder + "-there" });
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/repositories/{from}/actions/copy", new { targetId = lab.RepositoryId, pointIds = new[] { good } }));
        (await PointsAsync(lab, lab.RepositoryId)).ShouldBe([good]);

        foreach (var pack in Directory.EnumerateFiles(Path.Combine(lab.RepositoryFolder, "packs"), "*", SearchOption.AllDirectories).Where(f => new FileInfo(f).Length > 1 << 20)) Flip(pack);
        (await lab.Rest.EndedAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/repositories/{lab.RepositoryId}/actions/verify"))).GetProperty("state").GetString().ShouldBe("warning");
        (await PointsAsync(lab, lab.RepositoryId, "&damaged=true")).ShouldBe([good]);
        (await lab.Rest.GetAsync($"/repositories/{lab.RepositoryId}")).GetProperty("state").GetString().ShouldBe("damaged");
        (await PointsAsync(lab, from, "&damaged=false")).ShouldBe([good, used], "the same point is sound there");

        await lab.Rest.SentAsync(HttpMethod.Post, $"/operations/{proof}/actions/cancel");
        await lab.Rest.EndedAsync(proof);
        (await lab.Rest.SentAsync(HttpMethod.Delete, $"/recovery-points/{used}")).Status.ShouldBe(HttpStatusCode.NoContent);
    }

    private static async Task<Guid> ExpiredAsync(RestoreLab lab)
    {
        var taken = await lab.Services.GetRequiredService<RecoveryPoints>().BackUpAsync(Caller.System, new NewBackup(Guid.Parse(lab.VmId), Guid.Parse(lab.RepositoryId), ExpiresAt: DateTimeOffset.UtcNow), default);
        return (await lab.Rest.SucceededAsync(taken.Value.ToString())).GetProperty("result").GetProperty("recoveryPointId").GetGuid();
    }

    private static async Task<IReadOnlyList<Guid>> PointsAsync(RestoreLab lab, string repository, string more = "") =>
        [.. (await lab.Rest.GetAsync($"/recovery-points?repositoryId={repository}{more}")).GetProperty("items").EnumerateArray().Select(p => p.GetProperty("id").GetGuid())];

    private static void Flip(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = stream.Length / 2;
        var old = stream.ReadByte();
        stream.Position = stream.Length / 2;
        stream.WriteByte((byte)(old ^ 0x40));
    }
}
