using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>What an instant restore does with a damaged repository, and after it failed: the VM and what its guest wrote stay, people are told, and it goes on when it can.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class InstantDamageTests(SystemLibvirt libvirt)
{
    [Fact, Trait("Category", "Long")] // nbdkit asks for the damaged chunk for a while
    public async Task A_damaged_chunk_is_told_everything_else_is_served_and_the_data_moves_on_when_a_backup_has_mended_it()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "mend");
        await lab.MakeVmAsync(("vda", "qcow2", 16), ("vdb", "qcow2", 4));
        var point = await lab.BackUpAsync();
        var then = lab.Contents();
        Flip(lab);
        var operation = await lab.RestoreAsync(point.Id, "instant", new { name = lab.Name + "-now", shutdownSeconds = (int?)null });
        await lab.StepAsync(operation, "mend-1");
        await RestoreLab.UntilAsync(async () => (await LogAsync(lab, operation)).Any(l => l.Contains("Mend the repository", StringComparison.Ordinal)));
        var warned = (await LogAsync(lab, operation)).Where(l => l.Contains("Mend the repository", StringComparison.Ordinal)).ShouldHaveSingleItem();
        warned.ShouldContain("vda");
        warned.ShouldContain(point.Id.ToString());
        (await lab.Rest.GetAsync($"/operations/{operation}")).GetProperty("state").GetString().ShouldBe("running");

        var other = new InstantLab(lab, await lab.TargetAsync(operation), lab.Name + "-now");
        (await other.StateAsync()).ShouldBe("running", "it is served all that is whole");
        await WriteAsync(other, then, 3 << 20, 65536, 7);
        var (deleted, why) = await lab.Rest.SentAsync(HttpMethod.Delete, $"/recovery-points/{point.Id}");
        deleted.ShouldBe(HttpStatusCode.Conflict);
        why.GetProperty("title").GetString().ShouldBe("The recovery point is in use");
        // Off and on again: what cannot be read is in the way of neither.
        await other.StopAsync();
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{other.VmId}/actions/start"));
        await WriteAsync(other, then, 7 << 20, 65536, 8);

        // The remedy that people have: verify says what is damaged, and a backup of the same data stores it again.
        await lab.Rest.EndedAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/repositories/{lab.RepositoryId}/actions/verify"));
        (await lab.Rest.GetAsync("/recovery-points?damaged=true")).GetProperty("items").EnumerateArray().Select(p => p.GetProperty("id").GetGuid()).ShouldBe([point.Id]);
        (await lab.Rest.GetAsync("/recovery-points?damaged=false")).GetProperty("total").GetInt32().ShouldBe(0);
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/backup", new { full = true })); // where its points are
        (await lab.Rest.GetAsync($"/recovery-points?damaged=false&repositoryId={lab.RepositoryId}")).GetProperty("total").GetInt32().ShouldBe(1);
        (await lab.Rest.EndedAsync(operation)).GetProperty("state").GetString().ShouldBe("warning");
        await other.StopAsync();
        await other.ShouldHoldAsync(then);
        InstantLab.Shims(other.VmId).ShouldBeEmpty();
    }

    [Fact, Trait("Category", "Long")] // nbdkit asks for the damaged chunk for a while, three times
    public async Task A_restore_that_failed_keeps_the_VM_and_its_point_and_a_retry_brings_it_to_its_end()
    {
        var sockets = Directory.CreateTempSubdirectory("qd-s-").FullName;
        await using var lab = await RestoreLab.StartAsync(libvirt, "failed", more: new Dictionary<string, string> { ["Quarterdeck:Backups:SocketFolder"] = sockets + "/run" });
        try
        {
            File.SetUnixFileMode(sockets, (UnixFileMode)0b111_101_101);
            await lab.MakeVmAsync(("vda", "qcow2", 16));
            var point = await lab.BackUpAsync();
            var then = lab.Contents();
            var undamaged = Flip(lab);
            var operation = await lab.RestoreAsync(point.Id, "instant", new { name = lab.Name + "-now", shutdownSeconds = (int?)null });
            await lab.StepAsync(operation, "mend-1");
            var other = new InstantLab(lab, await lab.TargetAsync(operation), lab.Name + "-now");
            await WriteAsync(other, then, 3 << 20, 65536, 7);
            for (var round = 0; round < 2; round++)
            {
                await FailAsync(lab, other, operation, $"{sockets}/run-nbd/vm-{Guid.Parse(other.VmId):N}-vda");
                (await LogAsync(lab, operation)).ShouldContain(l => l.StartsWith("The VM stays", StringComparison.Ordinal));
                (await lab.Rest.GetAsync($"/recovery-points/{point.Id}")).GetProperty("pinned").GetBoolean().ShouldBeTrue("the VM would be lost with it");
                (await lab.Rest.GetAsync($"/vms/{other.VmId}")).GetProperty("name").GetString().ShouldBe(lab.Name + "-now");
                await other.StopAsync();
                var start = await lab.Rest.EndedAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{other.VmId}/actions/start"));
                start.GetProperty("problem").GetProperty("title").GetString().ShouldBe("Its data is not all there");
                (await lab.Rest.SentAsync(HttpMethod.Post, $"/operations/{operation}/actions/retry")).Status.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.Accepted, HttpStatusCode.NoContent);
                await lab.StepAsync(operation, "mend-1");
            }
            undamaged();
            (await lab.Rest.EndedAsync(operation)).GetProperty("state").GetString().ShouldBe("warning");
            await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{other.VmId}/actions/start"));
            await WriteAsync(other, then, 5 << 20, 70_000, 9);
            await other.StopAsync();
            await other.ShouldHoldAsync(then);
        }
        finally
        {
            Directory.Delete(sockets, recursive: true);
        }
    }

    // What stood between is gone, and cannot be started again: something is in its place.
    private static async Task FailAsync(RestoreLab lab, InstantLab vm, string operation, string socket)
    {
        File.Move(socket, socket + ".away");
        Directory.CreateDirectory(socket);
        foreach (var shim in InstantLab.Shims(vm.VmId)) Process.GetProcessById(shim).Kill();
        (await lab.Rest.EndedAsync(operation)).GetProperty("state").GetString().ShouldBe("failed");
        Directory.Delete(socket);
        File.Delete(socket + ".away");
    }

    private static async Task WriteAsync(InstantLab vm, Dictionary<string, byte[]> expected, long offset, int length, byte value)
    {
        await vm.WriteAsync("vda", offset, length, value);
        expected["vda"].AsSpan((int)offset, length).Fill(value);
    }

    private static async Task<IReadOnlyList<string>> LogAsync(RestoreLab lab, string operation) =>
        [.. (await lab.Rest.GetAsync($"/operations/{operation}/log")).GetProperty("items").EnumerateArray().Select(l => l.GetProperty("text").GetString()!)];

    // One bit in the middle of what the backup stored; what is answered puts it back.
    private static Action Flip(RestoreLab lab)
    {
        var pack = Directory.EnumerateFiles(Path.Combine(lab.RepositoryFolder, "packs"), "*", SearchOption.AllDirectories).MaxBy(f => new FileInfo(f).Length)!;
        var flip = () =>
        {
            using var stream = new FileStream(pack, FileMode.Open, FileAccess.ReadWrite);
            stream.Position = stream.Length / 2;
            var old = stream.ReadByte();
            stream.Position = stream.Length / 2;
            stream.WriteByte((byte)(old ^ 0x40));
        };
        flip();
        return flip;
    }
}
