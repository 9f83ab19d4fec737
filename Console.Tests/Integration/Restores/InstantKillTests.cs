using System.Diagnostics;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;
using Xunit.Abstractions;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>kill -9 of the console, which is also the NBD server, and of the program between it and QEMU, while a VM runs out of the repository: no write of the guest is lost, and the data moves on.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class InstantKillTests(SystemLibvirt libvirt, ITestOutputHelper output)
{
    [Fact]
    public async Task What_a_guest_wrote_while_the_export_and_what_stands_between_were_killed_is_there()
    {
        var data = Directory.CreateTempSubdirectory("qd-instant-kill-").FullName;
        var (console, lab, point, guest) = await PrepareAsync(data, "guest", 24);
        try
        {
            var before = lab.Contents();
            console.Settings["Quarterdeck__Operations__HoldAt"] = "vm.restore/pull@begin"; // nothing moves by itself: the guest needs the export
            await console.StartAsync();
            await console.Rest.SucceededAsync(await console.Rest.AcceptedAsync(HttpMethod.Delete, $"/vms/{lab.VmId}?disks=true"));
            foreach (var disk in lab.Disks.Values) File.Delete(disk.Path);
            var operation = await lab.RestoreAsync(point, "instant", new { shutdownSeconds = (int?)null });
            await lab.StepAsync(operation, "pull");
            await guest.WritesAsync(10);

            await console.KillAsync();
            (await SystemLibvirt.RunAsync("virsh", "-c", SystemLibvirt.Uri, "domstate", lab.Name)).Trim().ShouldBeOneOf("running", "paused"); // it waits; it does not die with the console
            console.Settings["Quarterdeck__Operations__HoldAt"] = "vm.restore/pull@begin+1";
            await console.StartAsync();
            await guest.WritesAsync(10);

            InstantLab.Shims(lab.VmId).Count.ShouldBe(1);
            foreach (var shim in InstantLab.Shims(lab.VmId)) Process.GetProcessById(shim).Kill();
            await console.KillAsync();
            await console.StartAsync();
            var ended = await console.Rest.EndedAsync(operation, 180);
            ended.GetProperty("state").GetString().ShouldBeOneOf("succeeded", "warning");
            await guest.WritesAsync(10);
            InstantLab.Shims(lab.VmId).ShouldBeEmpty();
            var vm = new InstantLab(lab, lab.VmId, lab.Name);
            await vm.StopAsync();
            guest.ShouldBeIn(await vm.HeldAsync("vda"), before["vda"]);
        }
        finally { await RemoveAsync(console, lab, data); }
    }

    [Fact]
    public async Task After_a_reboot_of_the_host_what_was_flushed_is_there_and_the_data_moves_on()
    {
        var data = Directory.CreateTempSubdirectory("qd-instant-boot-").FullName;
        var (console, lab, point, _) = await PrepareAsync(data, "boot", 16, bootable: false);
        try
        {
            var (off, on) = (lab.Contents(), lab.Contents());
            console.Settings["Quarterdeck__Operations__HoldAt"] = "vm.restore/pull@begin";
            await console.StartAsync();
            await console.Rest.SucceededAsync(await console.Rest.AcceptedAsync(HttpMethod.Delete, $"/vms/{lab.VmId}?disks=true"));
            foreach (var disk in lab.Disks.Values) File.Delete(disk.Path);
            var first = await lab.RestoreAsync(point, "instant", new { shutdownSeconds = (int?)null });
            var second = await lab.RestoreAsync(point, "instant", new { name = lab.Name + "-on", shutdownSeconds = (int?)null });
            foreach (var operation in new[] { first, second }) await lab.StepAsync(operation, "pull");
            InstantLab one = new(lab, lab.VmId, lab.Name), other = new(lab, await lab.TargetAsync(second), lab.Name + "-on");
            foreach (var (vm, expected, value) in new[] { (one, off, (byte)1), (other, on, (byte)2) })
            {
                await vm.WriteAsync("vda", 70_000, 40_000, value);
                await vm.FlushAsync("vda");
                expected["vda"].AsSpan(70_000, 40_000).Fill(value);
            }

            // Everything that ran is gone, and everything below /run.
            await console.KillAsync();
            foreach (var vm in new[] { one, other })
            {
                foreach (var shim in InstantLab.Shims(vm.VmId)) Process.GetProcessById(shim).Kill();
                await vm.KillQemuAsync();
                foreach (var file in Directory.EnumerateFiles("/run/quarterdeck-nbd", $"vm-{Guid.Parse(vm.VmId):N}-*")) File.Delete(file);
            }
            await one.AsAfterBootAsync(autostart: false);
            await other.AsAfterBootAsync(autostart: true);
            console.Settings.Remove("Quarterdeck__Operations__HoldAt");
            await console.StartAsync();

            foreach (var operation in new[] { first, second }) (await console.Rest.EndedAsync(operation, 180)).GetProperty("state").GetString().ShouldBe("warning");
            (await console.Rest.GetAsync($"/operations/{first}/log")).ToString().ShouldContain("The VM is off, and its data moves meanwhile");
            (await one.StateAsync()).ShouldBe("off");
            (await console.Rest.GetAsync($"/operations/{second}/log")).ToString().ShouldContain("the VM is started again");
            (await other.StateAsync()).ShouldBe("running");
            await other.StopAsync();
            await one.ShouldHoldAsync(off);
            await other.ShouldHoldAsync(on);
        }
        finally { await RemoveAsync(console, lab, data); }
    }

    [Fact, Trait("Category", "Long")]
    public async Task Killed_again_and_again_at_random_moments_while_a_guest_writes_nothing_is_lost()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var data = Directory.CreateTempSubdirectory("qd-instant-kill-").FullName;
        var (console, lab, point, guest) = await PrepareAsync(data, "many", 256);
        try
        {
            var before = lab.Contents();
            await console.StartAsync();
            for (var round = 1; round <= 10; round++)
            {
                await console.Rest.SucceededAsync(await console.Rest.AcceptedAsync(HttpMethod.Delete, $"/vms/{lab.VmId}?disks=true"));
                foreach (var disk in lab.Disks.Values) File.Delete(disk.Path);
                guest.Forget();
                var operation = await lab.RestoreAsync(point, "instant", new { shutdownSeconds = (int?)null });
                await lab.StepAsync(operation, "pull");
                var (shims, moved) = (0, new List<string>());
                for (var kill = 0; kill < 3; kill++)
                {
                    await Task.Delay(random.Next(600));
                    if (random.Next(3) == 0)
                        foreach (var shim in InstantLab.Shims(lab.VmId)) { Process.GetProcessById(shim).Kill(); shims++; }
                    moved.Add((await console.Rest.GetAsync($"/operations/{operation}")).GetProperty("progress") is { ValueKind: System.Text.Json.JsonValueKind.Object } p ? $"{p.GetProperty("done").GetInt64() >> 20}" : "0");
                    await console.KillAsync();
                    await Task.Delay(random.Next(2000));
                    await console.StartAsync();
                }
                var ended = await console.Rest.EndedAsync(operation, 300);
                ended.GetProperty("state").GetString().ShouldBeOneOf(["succeeded", "warning"], $"seed {seed}, round {round}: {ended}");
                await guest.WritesAsync(10);
                var vm = new InstantLab(lab, lab.VmId, lab.Name);
                await vm.StopAsync();
                guest.ShouldBeIn(await vm.HeldAsync("vda"), before["vda"]);
                output.WriteLine($"round {round} (seed {seed}): 3 kills of the console at {string.Join(", ", moved)} MiB of 256, {shims} of nbdkit; ended {ended.GetProperty("state").GetString()}; boots {guest.Boots()}, records {guest.Written()}, reads {guest.Reads()}, all there");
            }
        }
        finally { await RemoveAsync(console, lab, data); }
    }

    private async Task<(ConsoleProcess Console, RestoreLab Lab, Guid Point, RecordingGuest Guest)> PrepareAsync(string data, string name, int mebibytes, bool bootable = true)
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "instant-" + name, data);
        await lab.MakeVmAsync(("vda", "qcow2", mebibytes));
        if (bootable) await new RecordingGuest(lab).InstallAsync();
        var point = (await lab.BackUpAsync()).Id;
        var console = new ConsoleProcess(data) { Settings = { ["QUARTERDECK_IMAGE_ROOTS"] = RestoreLab.Images, ["Quarterdeck__Operations__Backoff"] = "00:00:00.5" } };
        var there = lab.On(console);
        return (console, there, point, new RecordingGuest(there));
    }

    private static async Task RemoveAsync(ConsoleProcess console, RestoreLab lab, string data)
    {
        await console.DisposeAsync();
        lab.RemoveAll();
        foreach (var name in LocalLibvirt.With(lab.Name)) LocalLibvirt.Remove(name);
        Directory.Delete(data, recursive: true);
    }
}
