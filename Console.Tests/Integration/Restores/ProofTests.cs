using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>Proof by restore on a real QEMU: a guest that boots, says so on its serial port and answers on a port, and one that does not.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class ProofTests(SystemLibvirt libvirt)
{
    private const string Proved = "/proof.txt"; // in the guest's boot partition
    private static readonly string ProvedDigest = Convert.ToHexStringLower(SHA256.HashData("proved\n"u8));
    private static readonly object Checks = new { bootSeconds = 180, serialMarker = "user space is up", ports = new object[] { new { port = 8080, expect = "200" } } };

    [Fact]
    public async Task A_point_whose_agent_port_and_files_answer_is_proved_with_a_picture_and_one_that_does_not_says_each_reason()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "proof");
        var job = await BootableAsync(lab, "agent");
        object checks = new { bootSeconds = 240, ports = new object[] { new { port = 8080, expect = "200" } }, files = new object[] { new { volume = "vda1", path = Proved, sha256 = ProvedDigest.ToUpperInvariant() }, new { volume = "vda1", path = "/syslinux.cfg" } } };
        var operation = await ScheduledAsync(lab, "recovery-point.prove", new { vmId = lab.VmId, checks });
        var result = (await lab.Rest.SucceededAsync(operation, 280)).GetProperty("result");
        result.GetProperty("evidence").GetString().ShouldBe("agent", result.ToString());
        var proof = await lab.Rest.GetAsync($"/proofs/{operation}");
        proof.GetProperty("passed").GetBoolean().ShouldBeTrue(proof.ToString());
        Detail(proof, "Port 8080 answers").ShouldBe("HTTP/1.1 200 OK");
        Detail(proof, $"File {Proved} on vda1").ShouldBe($"SHA-256 {ProvedDigest}");
        Detail(proof, "File /syslinux.cfg on vda1").ShouldMatch("^SHA-256 [0-9a-f]{64}$");
        ShouldBeAPicture(await lab.Rest.BytesAsync($"/proofs/{operation}/screenshot"));
        ShouldBeGone(operation);
        (await lab.Rest.GetAsync("/vms")).GetProperty("items").EnumerateArray().ShouldNotContain(v => v.GetProperty("name").GetString()!.Contains("proof-", StringComparison.Ordinal), "it is nobody's VM");

        // The job's newest points, with checks that cannot hold: a part for each VM, and each check with what was seen instead.
        checks = new { bootSeconds = 10, serialMarker = "never said", ports = new[] { new { port = 9 } }, files = new[] { new { volume = "vda1", path = Proved, sha256 = new string('0', 64) }, new { volume = "vda1", path = "/nowhere", sha256 = ProvedDigest } } };
        var run = await ScheduledAsync(lab, "backup-job.prove", new { jobId = job, checks });
        var failed = await lab.Rest.EndedAsync(run, 280);
        failed.GetProperty("state").GetString().ShouldBe("failed");
        failed.GetProperty("problem").GetProperty("title").GetString().ShouldBe("No recovery point proved itself");
        proof = (await lab.Rest.GetAsync($"/proofs?vmId={lab.VmId}")).GetProperty("items")[0];
        var part = await lab.Rest.GetAsync($"/operations/{proof.GetProperty("id").GetString()}");
        part.GetProperty("parent").GetString().ShouldBe(run);
        var said = part.GetProperty("problem").GetProperty("detail").GetString()!;
        foreach (var reason in new[] { "did not write 'never said'", "Port 9 answers: It sent nothing", $"It has the SHA-256 {ProvedDigest}, not 0000", "/nowhere" }) said.ShouldContain(reason);
        (proof.GetProperty("passed").GetBoolean(), proof.GetProperty("hasScreenshot").GetBoolean()).ShouldBe((false, true), "one that did not come up is worth a look, too");
        ShouldBeGone(proof.GetProperty("id").GetString()!);

        // The same guest for a restore in place: it hears that it shall shut down, and its power need not be cut.
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/vms/{lab.VmId}/actions/start"));
        var restore = await lab.RestoreAsync(await NewestAsync(lab), more: new { shutdownSeconds = 270, start = false });
        await lab.Rest.SucceededAsync(restore, 280);
        (await lab.Rest.GetAsync($"/operations/{restore}/log")).ToString().ShouldNotContain("its power is cut");
        (await lab.StateAsync()).ShouldBe("off");
    }

    [Fact, Trait("Category", "Long")] // a screen has to rest for a while
    public async Task A_guest_that_says_nothing_is_proved_by_its_screen_alone_which_is_called_weak()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "proofscreen");
        await BootableAsync(lab, "serves");
        var operation = await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/recovery-points/{await NewestAsync(lab)}/actions/prove", new { checks = new { bootSeconds = 300 } });
        (await lab.Rest.SucceededAsync(operation, 280)).GetProperty("result").GetProperty("evidence").GetString().ShouldBe("screen");
        var proof = await lab.Rest.GetAsync($"/proofs/{operation}");
        Detail(proof, "The guest came up").ShouldContain("look at the picture");
        ShouldBeAPicture(await lab.Rest.BytesAsync($"/proofs/{operation}/screenshot"));
        ShouldBeGone(operation);
    }

    [Fact]
    public async Task Requests_that_make_no_sense_are_refused_with_the_field_and_the_remedy()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "proofbad");
        await lab.MakeVmAsync(("vda", "qcow2", 4));
        var point = (await lab.BackUpAsync()).Id;
        foreach (var (checks, field) in new (object, string)[]
        {
            (new { bootSeconds = 1 }, "checks.bootSeconds"),
            (new { serialMarker = "" }, "checks.serialMarker"),
            (new { guestAddress = "nowhere" }, "checks.guestAddress"),
            (new { ports = new[] { new { port = 70000 } } }, "checks.ports[0].port"),
            (new { files = new[] { new { volume = "vda1", path = "etc" } } }, "checks.files[0].path"),
            (new { files = new[] { new { volume = "vda1", path = "/etc/x", sha256 = "12" } } }, "checks.files[0].sha256"),
        })
        {
            var (status, problem) = await lab.Rest.SentAsync(HttpMethod.Post, $"/recovery-points/{point}/actions/prove", new { checks });
            status.ShouldBe(HttpStatusCode.UnprocessableEntity, problem.ToString());
            problem.GetProperty("errors").ToString().ShouldContain(field);
        }
        (await lab.Rest.SentAsync(HttpMethod.Post, $"/recovery-points/{Guid.NewGuid()}/actions/prove", new { })).Status.ShouldBe(HttpStatusCode.NotFound);
        (await lab.Rest.SentAsync(HttpMethod.Get, $"/proofs/{Guid.NewGuid()}/screenshot")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await lab.Rest.SentAsync(HttpMethod.Post, "/schedules", new { name = "x", action = "backup-job.prove", input = new { jobId = Guid.NewGuid() }, cron = "@daily", timeZone = "UTC" })).Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    public async Task A_console_killed_in_the_middle_proves_it_anew_and_leaves_no_VM()
    {
        var data = Directory.CreateTempSubdirectory("qd-proof-kill-").FullName;
        Guid point;
        RestoreLab lab;
        await using (var first = await RestoreLab.StartAsync(libvirt, "proofkill", data))
        {
            await BootableAsync(first, "serves");
            point = await NewestAsync(first);
            var console = new ConsoleProcess(data) { Settings = { ["QUARTERDECK_IMAGE_ROOTS"] = RestoreLab.Images, ["Quarterdeck__Operations__Backoff"] = "00:00:02" } };
            lab = first.On(console);
            try
            {
                await first.DisposeAsync();
                await console.StartAsync();
                var operation = await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/recovery-points/{point}/actions/prove", new { checks = Checks });
                await lab.StepAsync(operation, "wait-1");
                await console.KillAsync();
                await console.StartAsync();
                var ended = await console.Rest.EndedAsync(operation, 300);
                (ended.GetProperty("state").GetString(), ended.GetProperty("result").GetProperty("evidence").GetString()).ShouldBe(("succeeded", "serial"), ended.ToString());
                ShouldBeGone(operation);
            }
            finally
            {
                await console.DisposeAsync();
                lab.RemoveAll();
                Directory.Delete(data, recursive: true);
            }
        }
    }

    private static void ShouldBeGone(string operation) => LocalLibvirt.With(Guid.Parse(operation).ToString("N")).ShouldBeEmpty();

    private static string Detail(JsonElement proof, string check) =>
        proof.GetProperty("outcomes").EnumerateArray().Single(o => o.GetProperty("name").GetString() == check).GetProperty("detail").GetString()!;

    private static void ShouldBeAPicture(byte[] png)
    {
        png.AsSpan(0, 8).SequenceEqual((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]).ShouldBeTrue("it is no PNG");
        BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)).ShouldBeGreaterThan(300, "its width");
    }

    private static async Task<string> ScheduledAsync(RestoreLab lab, string action, object input)
    {
        var (status, schedule) = await lab.Rest.SentAsync(HttpMethod.Post, "/schedules", new { name = action, action, input, cron = "0 3 * * *", timeZone = "UTC", enabled = false });
        status.ShouldBe(HttpStatusCode.Created, schedule.ToString());
        return await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/schedules/{schedule.GetProperty("id").GetString()}/actions/run");
    }

    private static async Task<Guid> NewestAsync(RestoreLab lab) => (await lab.Rest.GetAsync($"/recovery-points?vmId={lab.VmId}")).GetProperty("items")[0].GetProperty("id").GetGuid();

    /// <summary>Makes the VM and backs it up by a job; answers the job's id.</summary>
    private static async Task<Guid> BootableAsync(RestoreLab lab, string mode)
    {
        var path = await ScreenGuest.BuildAsync(lab.Name, mode);
        lab.Disks["vda"] = new LabDisk(path, "raw", []);
        var made = await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, "/vms", new { name = lab.Name, hostId = lab.HostId, vcpus = 1, memoryMiB = 192, disks = new[] { new { sourcePath = path, format = "raw" } }, network = "user" }));
        lab.VmId = made.GetProperty("result").GetProperty("vmId").GetString()!;
        var (status, job) = await lab.Rest.SentAsync(HttpMethod.Post, "/backup-jobs", new { name = "Proved", repositoryId = lab.RepositoryId, targets = new { vmIds = new[] { lab.VmId } } });
        status.ShouldBe(HttpStatusCode.Created, job.ToString());
        await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/backup-jobs/{job.GetProperty("id").GetString()}/actions/run"));
        return job.GetProperty("id").GetGuid();
    }
}
