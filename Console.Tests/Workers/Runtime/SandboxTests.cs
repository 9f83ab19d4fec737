using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Runtime;

/// <summary>The walls around a compute server, looked at from outside through the kernel's own records.</summary>
public sealed class SandboxTests
{
    [Fact]
    public async Task A_compute_server_has_no_network_no_privileges_and_sees_nothing_of_the_console()
    {
        await using var node = await ComputeNode.StartAsync();
        var key = node.Deploy(1, "export default { fetch() { return new Response('hello'); } };");
        (await node.GetAsync(key)).Status.ShouldBe(200);
        var info = node.Info();
        var pid = info.Pid!.Value;
        var status = File.ReadLines($"/proc/{pid}/status").Select(line => line.Split(':', 2)).ToDictionary(parts => parts[0], parts => parts[1].Trim());
        info.Sandbox.NoNewPrivileges.ShouldBe(status["NoNewPrivs"] == "1");
        info.Sandbox.NoNewPrivileges.ShouldBeTrue();
        info.Sandbox.Network.ShouldBeTrue();
        status["CapEff"].ShouldBe("0000000000000000");
        status["CapBnd"].ShouldBe("0000000000000000");
        if (info.Sandbox.User) status["Uid"].Split('\t').ShouldAllBe(user => int.Parse(user) >= 1_960_000);
        File.ReadLines($"/proc/{pid}/net/dev").Skip(2).Select(line => line.Split(':')[0].Trim()).ShouldAllBe(device => device == "lo");
        new FileInfo($"/proc/{pid}/ns/net").LinkTarget.ShouldNotBe(new FileInfo("/proc/self/ns/net").LinkTarget);
        var mounts = File.ReadLines($"/proc/{pid}/mountinfo").Select(line => line.Split(' ')).ToDictionary(fields => fields[4], fields => fields[5].Split(','));
        foreach (var (point, options) in mounts)
            if (point != "/run" && !point.StartsWith("/dev/", StringComparison.Ordinal) && !point.StartsWith("/proc", StringComparison.Ordinal)) options.ShouldContain("ro", point);
        mounts["/run"].ShouldContain("noexec");
        if (Environment.IsPrivilegedProcess)
        {
            Directory.Exists($"/proc/{pid}/root{node.Folder}").ShouldBeFalse();
            Directory.GetFileSystemEntries($"/proc/{pid}/root/").Select(Path.GetFileName).ShouldBeSubsetOf(["bin", "dev", "guard.so", "lib", "lib64", "proc", "run", "tmp", "usr", "workerd"]);
        }
        if (info.Sandbox.Processes) File.ReadAllText($"/proc/{pid}/cgroup").ShouldContain("quarterdeck-");
    }

    [Fact]
    public async Task Workers_see_no_file_process_or_environment_of_the_machine()
    {
        await using var node = await ComputeNode.StartAsync();
        var key = node.Deploy(1, """
            import fs from "node:fs"; import process from "node:process";
            const attempt = act => { try { return act(); } catch (e) { return String(e.code ?? e.message); } };
            export default { fetch() { return Response.json({
              env: Object.keys(process.env), passwd: attempt(() => fs.readFileSync("/etc/passwd", "utf8").length), proc: attempt(() => fs.readdirSync("/proc").length),
              config: attempt(() => fs.readFileSync("/run/server.capnp", "utf8").length), kill: attempt(() => process.kill(1, 9)), }); } };
            """);
        var told = System.Text.Json.JsonDocument.Parse((await node.GetAsync(key)).Body).RootElement;
        told.GetProperty("env").GetArrayLength().ShouldBe(0);
        foreach (var thing in (string[])["passwd", "proc", "config"]) told.GetProperty(thing).ValueKind.ShouldBe(System.Text.Json.JsonValueKind.String, thing);
    }

    [Fact]
    public async Task A_cordon_gets_its_workers_share_of_a_core_and_a_user_of_its_own()
    {
        await using var node = await ComputeNode.StartAsync();
        var shared = node.Deploy(1, "export default { fetch() { return new Response('hello'); } };");
        var cordoned = node.Deploy(2, "export default { fetch() { return new Response('hello'); } };", tier: WorkerTier.Cordon, limits: WorkerLimits.Usual with { CpuPercent = 30 });
        (await node.GetAsync(shared)).Status.ShouldBe(200);
        (await node.GetAsync(cordoned)).Status.ShouldBe(200);
        var cordon = node.Info("c2");
        var groups = File.ReadAllLines($"/proc/{cordon.Pid}/cgroup").Select(line => line.Split(':', 3)).ToList();
        if (groups.Find(g => g[1].Split(',').Contains("cpu") && g[2].Contains("quarterdeck-", StringComparison.Ordinal)) is { } first)
            File.ReadAllText($"/sys/fs/cgroup/cpu/{Path.GetFileName(first[2])}/cpu.cfs_quota_us").Trim().ShouldBe("20000"); // of 50,000: 30 % and 10 % for the process itself
        if (groups.Find(g => g[1].Split(',').Contains("cpu") && g[2].Contains("quarterdeck-", StringComparison.Ordinal)) is { } weighed)
            File.ReadAllText($"/sys/fs/cgroup/cpu/{Path.GetFileName(weighed[2])}/cpu.shares").Trim().ShouldBe("102"); // a tenth of what others have
        if (cordon.Sandbox.User) File.ReadAllText($"/proc/{cordon.Pid}/status").Split('\n').Single(l => l.StartsWith("Uid:", StringComparison.Ordinal)).ShouldNotBe(
            File.ReadAllText($"/proc/{node.Info().Pid}/status").Split('\n').Single(l => l.StartsWith("Uid:", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_a_killed_console_left_is_removed_and_its_processes_ended_with_it()
    {
        await using var node = await ComputeNode.StartAsync();
        var left = Path.Combine(node.Folder, "run", "workers", "4194399", "s0", "io"); // no such process can be
        Directory.CreateDirectory(left);
        var key = node.Deploy(1, "export default { fetch() { return new Response('hello'); } };"); // starts the first server
        (await node.GetAsync(key)).Status.ShouldBe(200);
        Directory.Exists(left).ShouldBeFalse();
    }
}
