using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Backups;
using Quarterdeck.Backups.Jobs;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Vms;

namespace Quarterdeck.Tests.Backups;

/// <summary>Which VMs a job means: what a run would back up, and what the overview says, are the same.</summary>
public sealed class JobTargetTests
{
    [Fact]
    public async Task Picked_VMs_tags_hosts_and_all_but_some_are_what_they_say()
    {
        await using var console = await TestConsole.StartAsync();
        var (one, two) = (await AddHostAsync(console, "one", "web", "db"), await AddHostAsync(console, "two", "mail", "erp"));
        var vms = await console.UntilAsync("/api/v1/vms?pageSize=10", list => list.GetProperty("total").GetInt32() == 4);
        var ids = vms.GetProperty("items").EnumerateArray().ToDictionary(v => v.GetProperty("name").GetString()!, v => v.GetProperty("id").GetGuid());
        (await console.Rest.PatchAsJsonAsync($"/api/v1/vms/{ids["erp"]}", new { tags = new[] { "gold" } })).EnsureSuccessStatusCode();
        var repository = (await console.UntilAsync("/api/v1/repositories", list => list.GetProperty("total").GetInt32() > 0)).GetProperty("items")[0].GetProperty("id").GetGuid();

        foreach (var (name, targets, expected) in new (string, object, string[])[]
        {
            ("picked", new { vmIds = new[] { ids["web"] } }, ["web"]),
            ("tagged and picked", new { tags = new[] { "gold" }, vmIds = new[] { ids["db"] } }, ["db", "erp"]),
            ("a host", new { hostIds = new[] { one } }, ["db", "web"]),
            ("a host but one", new { hostIds = new[] { two }, exceptVmIds = new[] { ids["mail"] } }, ["erp"]),
            ("all but two", new { all = true, exceptVmIds = new[] { ids["mail"], ids["web"] } }, ["db", "erp"]),
            ("an exception wins over the pick", new { vmIds = new[] { ids["web"], ids["db"] }, exceptVmIds = new[] { ids["web"] } }, ["db"]),
        })
        {
            var job = await AddAsync(console, new { name, repositoryId = repository, targets });
            var stored = (await console.App.Services.GetRequiredService<JobBook>().GetAsync(Caller.System, job, default)).Value;
            (await console.App.Services.GetRequiredService<JobVms>().OfAsync(stored.Targets, default)).Select(v => v.Name).ShouldBe(expected, name);
            var overview = (await console.App.Services.GetRequiredService<Protection>().ListAsync(Caller.System, null, new PageQuery(1, 10, "name"), default)).Value.Page.Items;
            overview.Where(v => v.Jobs.Contains(name)).Select(v => v.Name).ShouldBe(expected, name);
        }

        // The same over REST: by level, by name, by job.
        using var rest = new RestClient(console.Url, TestConsole.Token);
        (await rest.GetAsync("/protection?level=unprotected")).GetProperty("total").GetInt32().ShouldBe(1, "no job means mail");
        var erp = (await rest.GetAsync("/protection?search=erp")).GetProperty("items")[0];
        (erp.GetProperty("level").GetString(), erp.GetProperty("points").GetInt32(), erp.GetProperty("jobs").GetArrayLength()).ShouldBe(("waiting", 0, 3));
        (await rest.GetAsync("/protection?search=a host but one&sort=-name")).GetProperty("total").GetInt32().ShouldBe(1);
        (await rest.StatusAsync("/protection?level=7")).ShouldBe(HttpStatusCode.UnprocessableEntity);

        // Of VMs that cannot be backed up each is named with its reason.
        var run = await AddAsync(console, new { name = "fails", repositoryId = repository, targets = new { hostIds = new[] { one } } });
        var ended = await rest.EndedAsync(await rest.AcceptedAsync(HttpMethod.Post, $"/backup-jobs/{run}/actions/run"));
        ended.GetProperty("state").GetString().ShouldBe("failed");
        ended.GetProperty("problem").GetProperty("title").GetString().ShouldBe("No VM was backed up");
        foreach (var name in new[] { "web: ", "db: " }) ended.GetProperty("problem").GetProperty("detail").GetString()!.ShouldContain(name + "Only VMs of the machine");
    }

    [Fact]
    public async Task A_job_that_makes_no_sense_is_refused_with_every_field()
    {
        await using var console = await TestConsole.StartAsync();
        var answer = await console.Rest.PostAsJsonAsync("/api/v1/backup-jobs", new
        {
            name = " ", repositoryId = Guid.NewGuid(), targets = new { applicationIds = new[] { Guid.NewGuid() } }, schedule = new { cron = "every day", timeZone = "Mars/Olympus" },
            retention = new { last = 0, yearly = 99_999 }, bytesPerSecond = 1000, parallelPerHost = 17,
        });
        answer.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        var fields = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").ToString();
        foreach (var field in new[] { "name", "repositoryId", "targets.applicationIds", "targets", "schedule.cron", "retention.last", "retention.yearly", "bytesPerSecond", "parallelPerHost" }) fields.ShouldContain($"\"{field}\"");
    }

    private static async Task<Guid> AddAsync(TestConsole console, object job)
    {
        var answer = await console.Rest.PostAsJsonAsync("/api/v1/backup-jobs", job);
        answer.StatusCode.ShouldBe(HttpStatusCode.Created, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
    }

    private static async Task<Guid> AddHostAsync(TestConsole console, string name, params string[] vms)
    {
        var file = Path.Combine(Directory.CreateDirectory(Path.Combine(console.Data, "images")).FullName, name + ".xml");
        var node = new StringBuilder("<node>");
        foreach (var vm in vms) node.Append($"<domain type='test'><name>{vm}</name><uuid>{Guid.NewGuid()}</uuid><memory>2097152</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>");
        await File.WriteAllTextAsync(file, node.Append("</node>").ToString());
        return await console.AddHostAsync(name, "test://" + file);
    }
}
