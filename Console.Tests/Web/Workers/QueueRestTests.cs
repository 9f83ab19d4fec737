using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Workers.Runtime;

namespace Quarterdeck.Tests.Web.Workers;

/// <summary>Queues from a wrangler project to REST, in one console with real compute servers.</summary>
public sealed class QueueRestTests(RunningConsole shared) : IClassFixture<RunningConsole>
{
    private readonly HttpClient _rest = shared.Console.Rest;

    private async Task<JsonElement> QueueAsync(string name) => await _rest.GetFromJsonAsync<JsonElement>($"/api/v1/queues/{name}");

    [Fact]
    public async Task A_wrangler_project_consumes_what_is_sent_over_rest_and_a_pause_holds_it_back()
    {
        var project = new MultipartFormDataContent
        {
            { new StringContent("""
                name = "mailer"
                main = "src/index.js"
                compatibility_date = "2026-01-01"
                no_bundle = true
                kv_namespaces = [{ binding = "KV", id = "mailer" }]
                [[queues.producers]]
                queue = "mails"
                binding = "MAILS"
                [[queues.consumers]]
                queue = "mails"
                max_batch_size = 5
                max_batch_timeout = 0
                max_retries = 1
                max_concurrency = 2
                retry_delay = 1
                dead_letter_queue = "dead-mails"
                """), "wrangler.toml", "wrangler.toml" },
            { new StringContent("""
                export default {
                  async fetch(request, env) { const last = await env.KV.get("last"); await env.MAILS.send({ to: "fetch" }); return new Response(last); },
                  async queue(batch, env) { for (const m of batch.messages) { if (m.body.bad) throw new Error("bad"); await env.KV.put("last", JSON.stringify(m.body)); } },
                };
                """), "src/index.js", "src/index.js" },
        };
        var made = await _rest.PostAsync("/api/v1/workers/projects", project);
        made.StatusCode.ShouldBe(HttpStatusCode.Created, await made.Content.ReadAsStringAsync());
        (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("warnings").GetArrayLength().ShouldBe(0);
        var queue = await QueueAsync("mails");
        (queue.GetProperty("state").GetString(), queue.GetProperty("consumer").GetString(), queue.GetProperty("settings").GetProperty("maxConcurrency").GetInt32()).ShouldBe(("flowing", "mailer", 2));
        (await QueueAsync("dead-mails")).GetProperty("deadLettersOf")[0].GetString().ShouldBe("mails");

        // Held back while paused, and seen without being taken.
        (await _rest.PostAsync("/api/v1/queues/mails/actions/pause", null)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var sent = await _rest.PostAsJsonAsync("/api/v1/queues/mails/messages", new { messages = new object[] { new { body = new { to = "ada" } }, new { body = new { bad = true } } } });
        sent.StatusCode.ShouldBe(HttpStatusCode.OK, await sent.Content.ReadAsStringAsync());
        var seen = await _rest.GetFromJsonAsync<JsonElement>("/api/v1/queues/mails/messages?most=1");
        seen.EnumerateArray().ShouldHaveSingleItem().GetProperty("body").GetString().ShouldBe("""{"to":"ada"}""");
        (await QueueAsync("mails")).GetProperty("messages").GetInt32().ShouldBe(2);
        (await _rest.PostAsync("/api/v1/queues/mails/actions/resume", null)).StatusCode.ShouldBe(HttpStatusCode.OK);
        // The first is handled again with the second, whose failure fails the batch: both are given up.
        await ComputeNode.Until(() => QueueAsync("dead-mails").Result.GetProperty("messages").GetInt32() >= 1 && QueueAsync("mails").Result.GetProperty("messages").GetInt32() == 0, "the bad message is a dead letter");
        var trial = await _rest.PostAsJsonAsync("/api/v1/workers/mailer/trials", new { url = "http://a.test/" });
        (await trial.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("body").GetString().ShouldBe("""{"to":"ada"}""");
        (await _rest.PostAsync("/api/v1/queues/dead-mails/actions/purge", null)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await QueueAsync("dead-mails")).GetProperty("messages").GetInt32().ShouldBe(0);

        // One consumer a queue; a queue that is consumed stays.
        (await _rest.DeleteAsync("/api/v1/queues/mails")).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await _rest.DeleteAsync("/api/v1/queues/dead-mails")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        var second = await _rest.PutAsync("/api/v1/workers/thief", new MultipartFormDataContent
        {
            { JsonContent.Create(new { triggers = new { crons = Array.Empty<string>(), queues = new object[] { new { queue = "mails" }, new { queue = "x y", maxBatchSize = 101, deadLetterQueue = "x y" } } } }), "metadata" },
            { new StringContent("export default { queue() {} }"), "index.js", "index.js" },
        });
        second.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
        var errors = (await second.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").EnumerateArray().ToList();
        errors.Single(e => e.GetProperty("field").GetString() == "triggers.queues[0].queue").GetProperty("message").GetString().ShouldBe("The worker 'mailer' consumes 'mails' already.");
        errors.Select(e => e.GetProperty("field").GetString()).ShouldBe(["triggers.queues[0].queue", "triggers.queues[1].queue", "triggers.queues[1].deadLetterQueue", "triggers.queues[1].maxBatchSize"]);
        var audit = await _rest.GetFromJsonAsync<JsonElement>("/api/v1/audit?search=queue.purge");
        audit.GetProperty("items").EnumerateArray().ShouldContain(i => i.GetProperty("action").GetString() == "queue.purge");
    }

    [Fact]
    public async Task What_is_wrong_with_a_queue_or_a_message_is_told_by_field()
    {
        async Task Refused(Task<HttpResponseMessage> call, string field)
        {
            using var answer = await call;
            answer.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity, await answer.Content.ReadAsStringAsync());
            (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").EnumerateArray().ShouldContain(e => e.GetProperty("field").GetString() == field);
        }
        Task<HttpResponseMessage> Put(string name, object settings) => _rest.PutAsJsonAsync($"/api/v1/queues/{name}", settings);
        Task<HttpResponseMessage> Send(params object[] messages) => _rest.PostAsJsonAsync("/api/v1/queues/plain/messages", new { messages });
        (await Put("plain", new { delaySeconds = 60 })).StatusCode.ShouldBe(HttpStatusCode.OK);
        await Refused(Put("a b", new { }), "name");
        await Refused(Put("plain", new { delaySeconds = 86401 }), "delaySeconds");
        await Refused(Put("plain", new { retentionSeconds = 59 }), "retentionSeconds");
        await Refused(Send(), "messages");
        await Refused(Send([.. Enumerable.Repeat<object>(new { body = 1 }, 101)]), "messages");
        await Refused(Send(new { body = 1 }, new { body = 1, contentType = "text" }), "messages[1].body");
        await Refused(Send(new { body = "?", contentType = "bytes" }), "messages[0].body");
        await Refused(Send(new { body = 1, contentType = "v8" }), "messages[0].contentType");
        await Refused(Send(new { body = 1, delaySeconds = -1 }), "messages[0].delaySeconds");
        await Refused(Send(new { body = new string('x', 128_001) }), "messages[0].body");
        await Refused(_rest.GetAsync("/api/v1/queues/plain/messages?most=0"), "most");
        (await _rest.PostAsJsonAsync("/api/v1/queues/none/messages", new { messages = Array.Empty<object>() })).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await QueueAsync("plain")).GetProperty("messages").GetInt32().ShouldBe(0);
    }
}
