using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Quarterdeck.Operations;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>kill -9 of the console and of its disk server in the middle of incremental restores: a disk that has its name is always wholly one state or wholly the other.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class RestoreKillTests(SystemLibvirt libvirt)
{
    [Fact]
    public Task Killed_at_a_handful_of_moments_no_disk_is_ever_a_mix() => KillAsync("kill", Environment.TickCount, [Moment.AfterHold, Moment.Console, Moment.Server, Moment.Random]);

    [Fact, Trait("Category", "Long")]
    public Task Killed_at_fifty_random_moments_no_disk_is_ever_a_mix() =>
        KillAsync("kill50", Environment.TickCount, [.. Enumerable.Range(0, 50).Select(i => (Moment)(i % 4))]);

    private async Task KillAsync(string name, int seed, IReadOnlyList<Moment> moments)
    {
        var random = new Random(seed);
        await using var ground = await KillGround.StartAsync(libvirt, name);
        var (console, lab) = (ground.Console, ground.Lab);
        await console.StartAsync();
        var present = 0;
        foreach (var (moment, number) in moments.Select((m, i) => (m, i)))
        {
            var wanted = 1 - present;
            var operation = await lab.RestoreAsync(ground.Points[wanted]);
            if (moment is Moment.Server) await ground.KillServerAsync(operation);
            else
            {
                await ground.UntilAsync(moment, random, operation);
                await console.KillAsync();
                ground.ShouldHaveNoMix();
                await console.StartAsync();
            }
            var ended = await console.Rest.EndedAsync(operation, 180);
            var state = ended.GetProperty("state").GetString();
            var now = await ground.StateAsync();
            now.ShouldBe(state is "succeeded" or "warning" ? wanted : present, $"seed {seed}, kill {number} ({moment}): {ended}");
            state.ShouldBe("succeeded", $"seed {seed}, kill {number} ({moment}): {ended}");
            lab.ShouldBeTidy();
            if (lab.Disks["vda"].Format == "qcow2") await SystemLibvirt.RunAsync("qemu-img", "check", "-q", "-f", "qcow2", lab.Disks["vda"].Path);
            present = now;
        }
    }

    internal enum Moment { AfterHold, Console, Server, Random }

    /// <summary>A VM with two recovery points, the first of which is on its disks, and a console that can be killed.</summary>
    private sealed class KillGround : IAsyncDisposable
    {
        private readonly string _data = Directory.CreateTempSubdirectory("qd-restore-kill-").FullName;
        private readonly List<Dictionary<string, byte[]>> _states = [];

        public ConsoleProcess Console { get; private set; } = default!;
        public RestoreLab Lab { get; private set; } = default!;
        public List<Guid> Points { get; } = [];

        public static async Task<KillGround> StartAsync(SystemLibvirt libvirt, string name)
        {
            var ground = new KillGround();
            await using (var lab = await RestoreLab.StartAsync(libvirt, name, ground._data))
            {
                await lab.MakeVmAsync(("vda", "qcow2", 40), ("vdb", "raw", 8));
                ground._states.Add(lab.Contents());
                ground.Points.Add((await lab.BackUpAsync()).Id);
                for (var i = 0; i < 24; i++) await lab.WriteAsync("vda", i * 1_600_000L / 512 * 512, 1 << 20, 500 + i);
                await lab.WriteAsync("vdb", 1 << 20, 3 << 20, 600);
                ground._states.Add(lab.Contents());
                ground.Points.Add((await lab.BackUpAsync()).Id);
                await lab.RestoredAsync(ground.Points[0]);
                ground.Console = new ConsoleProcess(ground._data) { Settings = { ["Quarterdeck__Restores__FlushMiB"] = "1", ["QUARTERDECK_IMAGE_ROOTS"] = RestoreLab.Images, ["Quarterdeck__Operations__Backoff"] = "00:00:02" } };
                ground.Lab = lab.On(ground.Console);
            }
            return ground;
        }

        /// <summary>Waits for the moment at which the console shall die.</summary>
        public async Task UntilAsync(Moment moment, Random random, string operation)
        {
            if (moment is Moment.Random)
            {
                await Task.Delay(random.Next(1500));
                return;
            }
            var written = moment is Moment.AfterHold ? -1 : random.Next(300);
            for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalSeconds < 60; await Task.Delay(1))
            {
                if (Journal() is { } journal && journal.RootElement.GetProperty("disks").EnumerateArray().Max(d => d.GetProperty("written").GetInt64()) > written) return;
                if (clock.ElapsedMilliseconds % 500 < 3 && (await Lab.Rest.GetAsync($"/operations/{operation}")).GetProperty("endedAt").ValueKind != JsonValueKind.Null) return;
            }
        }

        /// <summary>Kills the program that writes the disk, once it writes.</summary>
        public async Task KillServerAsync(string operation)
        {
            for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalSeconds < 60; await Task.Delay(1))
            {
                foreach (var id in Servers())
                {
                    try { Process.GetProcessById(id).Kill(); }
                    catch (Exception e) when (e is ArgumentException or InvalidOperationException) { continue; }
                    return;
                }
                if (clock.ElapsedMilliseconds % 500 < 3 && (await Lab.Rest.GetAsync($"/operations/{operation}")).GetProperty("endedAt").ValueKind != JsonValueKind.Null) return;
            }
        }

        /// <summary>While nobody works on them: a disk that can be used is wholly one state or the other, and so are both together.</summary>
        public void ShouldHaveNoMix()
        {
            if (!Lab.Disks.Values.All(d => File.Exists(d.Path))) return; // the VM cannot start
            StateAsync().GetAwaiter().GetResult();
        }

        /// <summary>Which of the two states all disks have; anything else fails.</summary>
        public async Task<int> StateAsync()
        {
            for (var state = 0; state < 2; state++)
            {
                try
                {
                    await Lab.ShouldHoldAsync(_states[state]);
                    return state;
                }
                catch (ShouldAssertException) when (state == 0) { /* then it must be the other */ }
            }
            throw new UnreachableException();
        }

        public async ValueTask DisposeAsync()
        {
            await Console.DisposeAsync();
            Lab.RemoveAll();
            Directory.Delete(_data, recursive: true);
        }

        private JsonDocument? Journal()
        {
            try { return JsonDocument.Parse(File.ReadAllBytes(Lab.Disks["vda"].Path + ".restoring.json")); }
            catch (IOException) { return null; }
        }

        private IEnumerable<int> Servers() =>
            from folder in Directory.EnumerateDirectories("/proc")
            let id = int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : 0
            where id > 0 && CommandOf(folder) is { } command && command.StartsWith("/usr/bin/qemu-nbd", StringComparison.Ordinal) && command.Contains(Lab.Name, StringComparison.Ordinal) && command.Contains(".restoring", StringComparison.Ordinal)
            select id;

        private static string? CommandOf(string folder)
        {
            try { return File.ReadAllText(folder + "/cmdline"); }
            catch (IOException) { return null; }
        }
    }
}
