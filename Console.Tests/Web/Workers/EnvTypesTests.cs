using System.Text.Json;
using Quarterdeck.Web.Workers;

namespace Quarterdeck.Tests.Web.Workers;

public sealed class EnvTypesTests
{
    [Fact]
    public void Each_kind_of_binding_has_the_type_that_the_editor_knows_it_by()
    {
        var bindings = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>("""
            {
              "GREETING": "ahoy", "TOKEN": { "type": "secret" }, "SETTINGS": { "type": "json", "value": [1] }, "STORE": { "type": "kv", "namespace": "n" }, "JOBS": { "type": "queue", "queue": "q" },
              "FILES": { "type": "r2_bucket", "bucket": "b" }, "PLAIN_FILES": { "type": "bucket", "bucket": "b" }, "ROOMS": { "type": "durable_object", "class": "Room" },
              "BOOKS": { "type": "durableObject", "class": "Book", "worker": "library" }, "OTHER": { "type": "service", "worker": "w" }, "ME": { "type": "versionMetadata" }
            }
            """)!;
        var types = EnvTypes.Of(bindings, "src/index.ts");
        types.ShouldContain("""
            GREETING: string; TOKEN: string; SETTINGS: any; STORE: KVNamespace; JOBS: Queue; FILES: R2Bucket; PLAIN_FILES: R2Bucket; ROOMS: DurableObjectNamespace<import("./src/index").Room>; BOOKS: DurableObjectNamespace; OTHER: Fetcher; ME: WorkerVersionMetadata;
            """.Trim());
        types.ShouldEndWith("interface Env extends Cloudflare.Env {}");
        EnvTypes.Of([], "index.js").ShouldContain("interface Env { }");
    }

    [Fact]
    public void A_starter_takes_the_names_of_who_begins_with_it()
    {
        var queue = Starters.All.Single(s => s.Key == "queue").For("mailer", "");
        queue.Bindings!["JOBS"].GetProperty("queue").GetString().ShouldBe("mailer-jobs");
        queue.Triggers!.Queues.ShouldHaveSingleItem().Queue.ShouldBe("mailer-jobs");
        var files = Starters.All.Single(s => s.WantsBucket).For("site", "pictures");
        files.Bindings!["FILES"].GetProperty("bucket").GetString().ShouldBe("pictures");
        Starters.All.Single(s => s.Key == "proxy").For("p", "").Bindings!["UPSTREAM"].GetString().ShouldBe("https://example.com");
    }
}
