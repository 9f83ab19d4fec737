using System.Net;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>Points that are in several repositories: which one is meant, when nobody says and when somebody does.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class SeveralRepositoriesTests(SystemLibvirt libvirt)
{
    [Fact]
    public async Task A_backup_goes_where_the_VM_s_points_are_and_a_restore_reads_from_the_repository_that_is_named()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "which");
        await lab.MakeVmAsync(("vda", "qcow2", 8));
        var (first, folder) = (lab.RepositoryId, lab.RepositoryFolder);
        await AskedAsync(lab, "there is the console's own repository, too");
        var point = (await lab.BackUpAsync()).Id;
        var then = lab.Contents();
        await lab.UseRepositoryAsync(new { name = "second", kind = "local", location = folder + "-2" });
        await lab.WriteAsync("vda", 0, 65536, 3);
        var next = await BackUpAsync(lab);
        (await lab.Rest.GetAsync($"/recovery-points/{next}")).GetProperty("repositoryId").GetString().ShouldBe(first, "where its points are");

        var (wrong, problem) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point, mode = "incremental", repositoryId = lab.RepositoryId });
        wrong.ShouldBe(HttpStatusCode.UnprocessableEntity, problem.ToString());
        problem.GetProperty("errors").ToString().ShouldContain("repositoryId");
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/repositories/{first}/actions/copy", new { targetId = lab.RepositoryId }));
        await lab.RereadAsync(); // the console would by itself, within minutes
        (await lab.Rest.GetAsync($"/recovery-points?repositoryId={lab.RepositoryId}")).GetProperty("total").GetInt32().ShouldBe(2);
        await AskedAsync(lab, "its points are in both");

        // The first repository cannot even be reached.
        Directory.Move(folder, folder + ".away");
        try
        {
            var (_, plan) = await lab.Rest.SentAsync(HttpMethod.Post, "/restores", new { recoveryPointId = point, mode = "full", repositoryId = lab.RepositoryId, plan = true });
            plan.GetProperty("repositoryId").GetString().ShouldBe(lab.RepositoryId, plan.ToString());
            await lab.RestoredAsync(point, "full", new { repositoryId = lab.RepositoryId });
        }
        finally { Directory.Move(folder + ".away", folder); }
        await lab.ShouldHoldAsync(then);
    }

    private static async Task AskedAsync(RestoreLab lab, string why)
    {
        var (status, problem) = await lab.Rest.SentAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/backup", new { });
        status.ShouldBe(HttpStatusCode.UnprocessableEntity, why);
        problem.GetProperty("errors").ToString().ShouldContain("repositoryId");
    }

    private static async Task<Guid> BackUpAsync(RestoreLab lab) =>
        (await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/backup", new { }))).GetProperty("result").GetProperty("recoveryPointId").GetGuid();
}
