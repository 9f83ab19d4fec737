using System.Net;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>The machine with the console, its database and the VM is gone; what is left is an encrypted repository and its key on paper.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class LostConsoleTests(SystemLibvirt libvirt)
{
    [Fact]
    public async Task A_new_console_has_every_point_by_the_key_alone_and_brings_the_VM_back()
    {
        var vault = Directory.CreateTempSubdirectory("qd-vault-").FullName;
        try
        {
            string key;
            LabPoint first, second;
            Dictionary<string, byte[]> then, now;
            RestoreLab lost;
            await using (lost = await RestoreLab.StartAsync(libvirt, "lost"))
            {
                key = await AddAsync(lost, new { name = "Vault", kind = "local", location = vault, encrypted = true });
                await lost.MakeVmAsync(("vda", "qcow2", 12), ("vdb", "raw", 4));
                (first, then) = (await lost.BackUpAsync(), lost.Contents());
                await lost.WriteAsync("vda", 1 << 20, 500_000, 81);
                (second, now) = (await lost.BackUpAsync(), lost.Contents());
            }
            LocalLibvirt.With(lost.Name).ShouldBeEmpty();

            await using var lab = await RestoreLab.StartAsync(libvirt, "lost");
            (await lab.Rest.SentAsync(HttpMethod.Post, "/repositories", new { name = "Vault", kind = "local", location = vault })).Status.ShouldBe(HttpStatusCode.UnprocessableEntity, "without the key");
            await AddAsync(lab, new { name = "Vault", kind = "local", location = vault, key });
            await RestoreLab.UntilAsync(async () => (await lab.Rest.GetAsync($"/recovery-points?vmId={lost.VmId}")).GetProperty("total").GetInt32() == 2);
            lab.Inherit(lost);
            await lab.RestoredAsync(first.Id, "full", new { hostId = lab.HostId });
            (await lab.Rest.GetAsync($"/vms/{lab.VmId}")).GetProperty("name").GetString().ShouldBe(lab.Name);
            await lab.ShouldHoldAsync(then);
            await lab.RestoredAsync(second.Id);
            await lab.ShouldHoldAsync(now);
            (await lab.BackUpAsync()).ReadBytes.ShouldBeLessThanOrEqualTo(4 << 20, "the qcow2 disk is tracked from the restored point");
        }
        finally { Directory.Delete(vault, recursive: true); }
    }

    private static async Task<string> AddAsync(RestoreLab lab, object repository)
    {
        await lab.UseRepositoryAsync(repository);
        return (await lab.Rest.GetAsync($"/repositories/{lab.RepositoryId}/key")).GetProperty("key").GetString()!;
    }
}
