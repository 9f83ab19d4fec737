using System.Net;
using System.Text.Json;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>Every REST call that changes repositories, points, jobs, schedules or disks: who may, who may not, and what the audit log says of either.</summary>
[Collection(SystemLibvirtTests.Name)]
public sealed class ProtectionAuditTests(SystemLibvirt libvirt)
{
    /// <param name="Method">How.</param>
    /// <param name="Path">What.</param>
    /// <param name="Body">With what.</param>
    /// <param name="Least">The least role that may.</param>
    /// <param name="Action">As the audit log names it.</param>
    /// <param name="Target">Beginning of what the audit log says it was done to.</param>
    private sealed record Call(HttpMethod Method, string Path, object? Body, string Least, string Action, string Target);

    [Fact]
    public async Task Whoever_may_is_written_down_and_whoever_may_not_is_refused_and_written_down()
    {
        await using var lab = await RestoreLab.StartAsync(libvirt, "audit");
        await lab.MakeVmAsync(("vda", "qcow2", 4));
        using var viewer = await TokenAsync(lab, "viewer");
        using var operators = await TokenAsync(lab, "operator");
        var first = await lab.BackUpAsync();
        var second = await lab.BackUpAsync();
        var other = await MadeAsync(lab, "/repositories", new { name = "Other", kind = "local", location = lab.RepositoryFolder + "-other", encrypted = true });
        object job = new { name = "Nightly", repositoryId = lab.RepositoryId, targets = new { vmIds = new[] { lab.VmId } }, retention = new { last = 9 } };
        var jobId = await MadeAsync(lab, "/backup-jobs", job);
        object schedule = new { name = "Weekly start", action = "vm.start", input = new { vmId = lab.VmId }, cron = "0 3 * * 0", timeZone = "UTC", enabled = false };
        var scheduleId = await MadeAsync(lab, "/schedules", schedule);
        string Point(string rest = "") => $"/recovery-points/{first.Id}{rest}";
        var (vm, repository) = ($"vm:{lab.VmId}", $"repository:{lab.RepositoryId}");

        Call[] calls =
        [
            new(HttpMethod.Post, $"/vms/{lab.VmId}/actions/backup", new { repositoryId = lab.RepositoryId }, "operator", "vm.backup", vm),
            new(HttpMethod.Post, Point("/actions/pin"), null, "operator", "recovery-point.pin", $"recovery-point:{first.Id}"),
            new(HttpMethod.Post, Point("/actions/unpin"), null, "operator", "recovery-point.unpin", $"recovery-point:{first.Id}"),
            new(HttpMethod.Post, Point("/actions/verify"), null, "operator", "recovery-point.verify", $"recovery-point:{first.Id}"),
            new(HttpMethod.Post, "/restores", new { recoveryPointId = second.Id, mode = "incremental", shutdownSeconds = 0 }, "operator", "vm.restore", vm),
            new(HttpMethod.Post, $"/repositories/{lab.RepositoryId}/actions/verify", null, "operator", "repository.verify", repository),
            new(HttpMethod.Post, $"/repositories/{lab.RepositoryId}/actions/prune", null, "operator", "repository.prune", repository),
            new(HttpMethod.Post, $"/repositories/{lab.RepositoryId}/actions/collect", null, "operator", "repository.collect", repository),
            new(HttpMethod.Post, $"/repositories/{lab.RepositoryId}/actions/copy", new { targetId = other }, "operator", "repository.copy", repository),
            new(HttpMethod.Get, $"/repositories/{other}/key", null, "administrator", "repository.key.export", $"repository:{other}"),
            new(HttpMethod.Post, "/repositories", new { name = "Third", kind = "local", location = lab.RepositoryFolder + "-third" }, "administrator", "repository.add", "repository:"),
            new(HttpMethod.Post, "/backup-jobs", new { name = "Second", repositoryId = lab.RepositoryId, targets = new { vmIds = new[] { lab.VmId } } }, "administrator", "backup-job.create", "backup-job:"),
            new(HttpMethod.Put, $"/backup-jobs/{jobId}", new { name = "Nightly 2", repositoryId = lab.RepositoryId, targets = new { vmIds = new[] { lab.VmId } } }, "administrator", "backup-job.change", $"backup-job:{jobId}"),
            new(HttpMethod.Post, $"/backup-jobs/{jobId}/actions/run", null, "operator", "backup-job.run", $"backup-job:{jobId}"),
            new(HttpMethod.Post, "/schedules", new { name = "Daily start", action = "vm.start", input = new { vmId = lab.VmId }, cron = "0 4 * * *", timeZone = "UTC", enabled = false }, "operator", "schedule.create", "schedule:"),
            new(HttpMethod.Put, $"/schedules/{scheduleId}", new { name = "Weekly start 2", action = "vm.start", input = new { vmId = lab.VmId }, cron = "0 5 * * 0", timeZone = "UTC", enabled = false }, "operator", "schedule.change", $"schedule:{scheduleId}"),
            new(HttpMethod.Delete, $"/schedules/{scheduleId}", null, "operator", "schedule.delete", $"schedule:{scheduleId}"),
            new(HttpMethod.Delete, $"/backup-jobs/{jobId}", null, "administrator", "backup-job.delete", $"backup-job:{jobId}"),
            new(HttpMethod.Delete, Point(), null, "administrator", "recovery-point.delete", $"recovery-point:{first.Id}"),
            new(HttpMethod.Delete, $"/repositories/{other}", null, "administrator", "repository.remove", $"repository:{other}"),
        ];
        foreach (var call in calls)
        {
            await RefusedAsync(lab, viewer, "viewer", call);
            if (call.Least == "administrator") await RefusedAsync(lab, operators, "operator", call);
            await DoneAsync(lab, call.Least == "administrator" ? lab.Rest : operators, call.Least == "administrator" ? null : "operator", call);
        }
    }

    private static async Task RefusedAsync(RestoreLab lab, RestClient client, string who, Call call)
    {
        var (status, body) = await client.SentAsync(call.Method, call.Path, call.Body);
        status.ShouldBe(HttpStatusCode.Forbidden, $"{who}: {call.Method} {call.Path}: {body}");
        var line = (await LinesAsync(lab, "refused"))[0];
        line.GetProperty("actor").GetProperty("name").GetString().ShouldBe(who, $"{call.Method} {call.Path}");
        line.GetProperty("target").GetString()!.ShouldContain(call.Path);
    }

    private static async Task DoneAsync(RestoreLab lab, RestClient client, string? who, Call call)
    {
        var (status, body) = await client.SentAsync(call.Method, call.Path, call.Body);
        ((int)status).ShouldBeInRange(200, 299, $"{call.Method} {call.Path}: {body}");
        var line = (await LinesAsync(lab, "done", call.Action)).First();
        line.GetProperty("target").GetString()!.ShouldStartWith(call.Target, customMessage: call.Action);
        if (who is not null) line.GetProperty("actor").GetProperty("name").GetString().ShouldBe(who, call.Action);
        line.GetProperty("requestId").GetString().ShouldNotBeNullOrEmpty(call.Action);
        var (before, after) = (line.GetProperty("before").ValueKind != JsonValueKind.Null, line.GetProperty("after").ValueKind != JsonValueKind.Null);
        (before, after).ShouldBe((call.Action.EndsWith("change", StringComparison.Ordinal) || call.Action.EndsWith("pin", StringComparison.Ordinal) || call.Method == HttpMethod.Delete, call.Method != HttpMethod.Delete), call.Action);
        line.ToString().ShouldNotContain("QDK1-", customMessage: "a key in the audit log");
        if (status == HttpStatusCode.Accepted) await lab.Rest.SucceededAsync(body.GetProperty("operationId").GetString()!);
    }

    private static async Task<IReadOnlyList<JsonElement>> LinesAsync(RestoreLab lab, string outcome, string? action = null) =>
        [.. (await lab.Rest.GetAsync($"/audit?outcome={outcome}&pageSize=3{(action is null ? "" : $"&action={action}")}")).GetProperty("items").EnumerateArray()];

    private static async Task<string> MadeAsync(RestoreLab lab, string path, object body)
    {
        var (status, made) = await lab.Rest.SentAsync(HttpMethod.Post, path, body);
        status.ShouldBe(HttpStatusCode.Created, made.ToString());
        return made.GetProperty("id").GetString()!;
    }

    private static async Task<RestClient> TokenAsync(RestoreLab lab, string role)
    {
        var (status, made) = await lab.Rest.SentAsync(HttpMethod.Post, "/tokens", new { name = role, role });
        status.ShouldBe(HttpStatusCode.Created, made.ToString());
        return lab.As(made.GetProperty("token").GetString()!);
    }
}
