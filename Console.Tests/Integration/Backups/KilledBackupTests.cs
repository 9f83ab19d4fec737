using System.Text.Json;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Backups;

/// <summary>kill -9 of the real console while it backs a running VM up, over REST alone; then a new, empty console that adopts what is left.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class KilledBackupTests(SystemLibvirt libvirt)
{
    private const int MiB = 1 << 20;
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Killed_while_it_reads_or_right_after_it_finishes_the_backup_and_a_new_console_adopts_the_points()
    {
        await using var lab = await BackupLab.StartAsync(libvirt, "kill9");
        await lab.AddDiskAsync("vda", 32);
        await lab.DefineAsync();
        await lab.StartVmAsync();
        await lab.WriteAsync("vda", 0, 16 * MiB, 1);
        await using var console = new ConsoleProcess();
        await console.StartAsync();
        await VmIsThereAsync(console, lab.Domain);
        var repository = await console.Rest.GetAsync("/repositories");
        var (repositoryId, location) = (repository.GetProperty("items")[0].GetProperty("id").GetString()!, repository.GetProperty("items")[0].GetProperty("location").GetString()!);

        // In the middle of the reading: the job stays on the VM, and the next start ends it and begins anew.
        var operation = await BackUpAsync(console, lab, repositoryId, bytesPerSecond: 2 * MiB);
        await BackupLab.UntilAsync(async () => (await console.Rest.GetAsync($"/operations/{operation}")).GetProperty("progress") is { ValueKind: JsonValueKind.Object } p && p.GetProperty("done").GetInt64() > MiB);
        await console.KillAsync();
        (await lab.Hypervisor.BackupJobAsync(lab.Domain, None)).ShouldNotBeNull("it was killed too late");
        await lab.WriteAsync("vda", 20 * MiB, 65536, 2);
        await console.StartAsync();
        var first = Point(await console.Rest.SucceededAsync(operation));
        await ShouldHoldAsync(location, first, lab);
        await lab.ShouldBeTidyAsync(first);

        // Right after the commit, before the operation knows: the next start finds the point.
        await lab.WriteAsync("vda", 24 * MiB, 65536, 3);
        await console.TerminateAsync();
        var hold = new HoldPoint("vm.backup", "backup-read", "end");
        hold.ApplyTo(console);
        await console.StartAsync();
        await VmIsThereAsync(console, lab.Domain);
        var begun = BackUpAsync(console, lab, repositoryId);
        await hold.ReachedAsync(console, begun);
        await console.KillAsync();
        console.Settings.Clear();
        await console.StartAsync();
        var ended = await console.Rest.SucceededAsync(await begun);
        ended.GetProperty("result").GetProperty("readBytes").GetInt64().ShouldBe(65536);
        var second = Point(ended);
        await ShouldHoldAsync(location, second, lab);
        await lab.ShouldBeTidyAsync(second);
        var listed = await console.Rest.GetAsync($"/recovery-points?vmId={lab.Domain}");
        listed.GetProperty("items").EnumerateArray().Select(p => p.GetProperty("id").GetGuid()).ShouldBe([second, first]);

        await using var other = new ConsoleProcess();
        await other.StartAsync();
        var (status, added) = await other.Rest.SentAsync(HttpMethod.Post, "/repositories", new { name = "adopted", kind = "local", location });
        ((int)status).ShouldBe(201, added.ToString());
        await BackupLab.UntilAsync(async () => (await other.Rest.GetAsync($"/recovery-points?vmId={lab.Domain}")).GetProperty("total").GetInt32() == 2);
    }

    private static async Task<string> BackUpAsync(ConsoleProcess console, BackupLab lab, string repositoryId, long? bytesPerSecond = null) =>
        await console.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.Domain}/actions/backup", new { repositoryId, bytesPerSecond });

    private static Task VmIsThereAsync(ConsoleProcess console, Guid vm) => BackupLab.UntilAsync(async () => await console.Rest.StatusAsync($"/vms/{vm}") == System.Net.HttpStatusCode.OK);

    private static Guid Point(JsonElement operation) => operation.GetProperty("result").GetProperty("recoveryPointId").GetGuid();

    private static async Task ShouldHoldAsync(string location, Guid point, BackupLab lab)
    {
        var files = await RepositoryFiles.OpenAsync(new LocalStore(location), null, None);
        await using var repository = await Quarterdeck.Repositories.Repository.OpenAsync(files, "test", null, TimeProvider.System, None);
        (await BackupLab.ReadPointAsync(repository, point, "vda")).AsSpan().SequenceEqual(lab.Content()["vda"]).ShouldBeTrue();
    }
}
