using System.Diagnostics;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>kill -9 of the console, which is also the NBD server, and of the program between it and QEMU, while a VM runs out of the repository: no write of the guest is lost, and the data moves on.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class InstantKillTests(SystemLibvirt libvirt)
{
    [Theory]
    [InlineData(false), InlineData(true)]
    public async Task What_the_guest_wrote_before_during_and_after_the_kill_is_there(bool shimToo)
    {
        var data = Directory.CreateTempSubdirectory("qd-instant-kill-").FullName;
        var (console, lab, point) = await PrepareAsync(data, shimToo ? "shim" : "console", 24);
        try
        {
            console.Settings["Quarterdeck__Operations__HoldAt"] = "vm.restore/pull@begin";
            await console.StartAsync();
            var expected = lab.Contents();
            var operation = await lab.RestoreAsync(point, "instant", new { name = lab.Name + "-now", shutdownSeconds = (int?)null });
            await lab.StepAsync(operation, "pull");
            var vm = new InstantLab(lab, await lab.TargetAsync(operation), lab.Name + "-now");
            await WriteAsync(vm, expected, 70_000, 40_000, 1);
            InstantLab.Shims(vm.VmId).Count.ShouldBe(1);
            if (shimToo) foreach (var shim in InstantLab.Shims(vm.VmId)) Process.GetProcessById(shim).Kill();
            await console.KillAsync();
            (await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "domstate", lab.Name + "-now")).Trim().ShouldBeOneOf("running", "paused"); // it may stand still for a read, but it does not die with the console;
            await WriteAsync(vm, expected, 3 << 20, 65536, 2); // a whole cluster needs nothing of what lies below
            await console.StartAsync();
            var ended = await console.Rest.EndedAsync(operation, 180);
            ended.GetProperty("state").GetString().ShouldBe("succeeded", ended.ToString());
            await WriteAsync(vm, expected, (7 << 20) + 1, 777, 4);
            await vm.StopAsync();
            await vm.ShouldHoldAsync(expected);
            InstantLab.Shims(vm.VmId).ShouldBeEmpty();
        }
        finally { await RemoveAsync(console, lab, data); }
    }

    [Fact, Trait("Category", "Long")]
    public async Task Killed_again_and_again_at_random_moments_nothing_is_lost()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var data = Directory.CreateTempSubdirectory("qd-instant-kill-").FullName;
        var (console, lab, point) = await PrepareAsync(data, "many", 256);
        try
        {
            await console.StartAsync();
            for (var round = 0; round < 10; round++)
            {
                var expected = lab.Contents();
                var operation = await lab.RestoreAsync(point, "instant", new { name = lab.Name + "-now", shutdownSeconds = (int?)null });
                await lab.StepAsync(operation, "pull");
                var vm = new InstantLab(lab, await lab.TargetAsync(operation), lab.Name + "-now");
                for (var kill = 0; kill < 3; kill++)
                {
                    await Task.Delay(random.Next(300));
                    if (random.Next(3) == 0)
                        foreach (var shim in InstantLab.Shims(vm.VmId)) Process.GetProcessById(shim).Kill();
                    await console.KillAsync();
                    await WriteAsync(vm, expected, random.Next(256) << 20, 65536, (byte)(round * 10 + kill + 1));
                    await console.StartAsync();
                }
                var ended = await console.Rest.EndedAsync(operation, 300);
                ended.GetProperty("state").GetString().ShouldBe("succeeded", $"seed {seed}, round {round}: {ended}");
                await vm.StopAsync();
                await vm.ShouldHoldAsync(expected);
                await console.Rest.SucceededAsync(await console.Rest.AcceptedAsync(HttpMethod.Delete, $"/vms/{vm.VmId}?disks=true"));
            }
        }
        finally { await RemoveAsync(console, lab, data); }
    }

    private async Task<(ConsoleProcess Console, RestoreLab Lab, Guid Point)> PrepareAsync(string data, string name, int mebibytes)
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "instant-" + name, data);
        await lab.MakeVmAsync(("vda", "qcow2", mebibytes));
        var point = (await lab.BackUpAsync()).Id;
        var console = new ConsoleProcess(data) { Settings = { ["QUARTERDECK_IMAGE_ROOTS"] = RestoreLab.Images, ["Quarterdeck__Operations__Backoff"] = "00:00:00.5" } };
        return (console, lab.On(console), point);
    }

    private static async Task WriteAsync(InstantLab vm, Dictionary<string, byte[]> expected, long offset, int length, byte value)
    {
        await vm.WriteAsync("vda", offset, length, value);
        expected["vda"].AsSpan((int)offset, length).Fill(value);
    }

    private static async Task RemoveAsync(ConsoleProcess console, RestoreLab lab, string data)
    {
        await console.DisposeAsync();
        lab.RemoveAll();
        foreach (var name in LocalLibvirt.With(lab.Name)) LocalLibvirt.Remove(name);
        Directory.Delete(data, recursive: true);
    }
}
