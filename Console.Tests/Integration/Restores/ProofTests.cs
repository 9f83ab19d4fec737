using System.Net;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>Proof by restore on a real QEMU: a guest that boots, says so on its serial port and answers on a port, and one that does not.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class ProofTests(SystemLibvirt libvirt)
{
    private static readonly object Checks = new { bootSeconds = 180, serialMarker = "user space is up", ports = new object[] { new { port = 8080, expect = "200" } } };

    [Fact]
    public async Task A_point_that_boots_and_answers_is_proved_with_a_picture_and_leaves_nothing_behind()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "proof");
        var point = await BootableAsync(lab);
        var operation = await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/recovery-points/{point}/actions/prove", new { checks = Checks });
        var result = (await lab.Rest.SucceededAsync(operation)).GetProperty("result");
        result.GetProperty("evidence").GetString().ShouldBe("serial", result.ToString());
        var proof = await lab.Rest.GetAsync($"/proofs/{operation}");
        proof.GetProperty("passed").GetBoolean().ShouldBeTrue(proof.ToString());
        proof.GetProperty("outcomes").EnumerateArray().Single(o => o.GetProperty("name").GetString() == "Port 8080 answers").GetProperty("detail").GetString().ShouldBe("HTTP/1.1 200 OK");
        proof.GetProperty("hasScreenshot").GetBoolean().ShouldBeTrue();
        (await lab.Rest.GetAsync($"/proofs?vmId={lab.VmId}")).GetProperty("total").GetInt32().ShouldBe(1);
        ShouldBeGone(operation);
        (await lab.Rest.GetAsync("/vms")).GetProperty("items").EnumerateArray().ShouldNotContain(v => v.GetProperty("name").GetString()!.Contains("proof-", StringComparison.Ordinal), "it is nobody's VM");

        // The same again by schedule, with a marker that never comes.
        var (status, schedule) = await lab.Rest.SentAsync(HttpMethod.Post, "/schedules", new { name = "nightly proof", action = "recovery-point.prove", input = new { vmId = lab.VmId, checks = new { bootSeconds = 10, serialMarker = "never said" } }, cron = "0 3 * * *", timeZone = "UTC", enabled = false });
        status.ShouldBe(HttpStatusCode.Created, schedule.ToString());
        var run = await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/schedules/{schedule.GetProperty("id").GetString()}/actions/run");
        var failed = await lab.Rest.EndedAsync(run, 300);
        failed.GetProperty("state").GetString().ShouldBe("failed");
        failed.GetProperty("problem").GetProperty("detail").GetString()!.ShouldContain("never said");
        (await lab.Rest.GetAsync($"/proofs/{run}")).GetProperty("passed").GetBoolean().ShouldBeFalse();
        ShouldBeGone(run);
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
            point = await BootableAsync(first);
            var console = new ConsoleProcess(data) { Settings = { ["QUARTERDECK_IMAGE_ROOTS"] = RestoreLab.Images, ["Quarterdeck__Operations__Backoff"] = "00:00:00.5" } };
            lab = first.On(console);
            try
            {
                await first.DisposeAsync();
                await console.StartAsync();
                var operation = await lab.Rest.AcceptedAsync(HttpMethod.Post, $"/recovery-points/{point}/actions/prove", new { checks = Checks });
                await lab.StepAsync(operation, "wait-1");
                await console.KillAsync();
                await console.StartAsync();
                (await console.Rest.EndedAsync(operation, 300)).GetProperty("state").GetString().ShouldBe("succeeded");
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

    private static async Task<Guid> BootableAsync(RestoreLab lab)
    {
        var path = await ScreenGuest.BuildAsync(lab.Name, serves: true);
        lab.Disks["vda"] = new LabDisk(path, "raw", []);
        var made = await lab.Rest.SucceededAsync(await lab.Rest.AcceptedAsync(HttpMethod.Post, "/vms", new { name = lab.Name, hostId = lab.HostId, vcpus = 1, memoryMiB = 160, disks = new[] { new { sourcePath = path, format = "raw" } }, network = "user" }));
        lab.VmId = made.GetProperty("result").GetProperty("vmId").GetString()!;
        return (await lab.BackUpAsync()).Id;
    }
}
