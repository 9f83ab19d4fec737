using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using Quarterdeck.Tests.Support;
using Xunit.Abstractions;

namespace Quarterdeck.Tests.Workers.Apis;

/// <summary>The APIs of the Workers documentation, each really used by a request through the front; docs/worker-apis.md is the result.</summary>
public sealed class WorkerApiTests(ApiRig rig, ITestOutputHelper output) : IClassFixture<ApiRig>
{
    [Fact]
    public async Task Each_documented_API_works_or_does_not_as_the_page_says()
    {
        var rows = new List<ApiRow>();
        foreach (var check in (IEnumerable<ApiCheck>)[.. SeenFromOutside.All, .. await rig.InsideAsync()])
        {
            string got;
            try { got = await check.Run(rig); }
            catch (Exception e) when (e is HttpRequestException or IOException or TimeoutException or System.Net.WebSockets.WebSocketException) { got = e.Message; }
            rows.Add(new ApiRow(check, got == check.Expected));
            if (got != check.Expected) output.WriteLine($"{check.Area}, {check.Api}: expected {check.Expected}, got {got}");
        }
        rows.Count(row => row.Works).ShouldBeGreaterThanOrEqualTo(60);
        rows.Where(row => !row.Works && row.Check.Why is null).Select(row => $"{row.Check.Area}: {row.Check.Api}").ShouldBeEmpty("what does not work has a reason");

        var page = ApiPage.Of(rows);
        var made = Path.Combine(TestConsole.RepositoryRoot, "TestResults", ApiPage.Name);
        Directory.CreateDirectory(Path.GetDirectoryName(made)!);
        await File.WriteAllTextAsync(made, page);
        var committed = Path.Combine(TestConsole.RepositoryRoot, "docs", ApiPage.Name);
        (File.Exists(committed) ? await File.ReadAllTextAsync(committed) : "").ShouldBe(page, $"the page is not what passed: copy TestResults/{ApiPage.Name} into docs/");
    }

    [Fact]
    public async Task A_worker_of_10_MB_deploys_and_answers_and_one_that_is_larger_is_refused_by_name()
    {
        const int most = 10 << 20;
        var source = new StringBuilder("export default { fetch() { return new Response(String(f77(1))); } };\n");
        for (var i = 0; source.Length < most - 200; i++) source.Append(CultureInfo.InvariantCulture, $"function f{i}(a) {{ const b = a + {i}; return b; }}\n");
        source.Append("//").Append('x', most - source.Length);
        (await PutAsync(source.ToString())).Status.ShouldBe(HttpStatusCode.Created);
        (await rig.Console.Rest.PutAsJsonAsync("/api/v1/zones/large.test", new { routes = new[] { new { pattern = "/*", worker = "large" } } })).EnsureSuccessStatusCode();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Host = "large.test" } };
        using var answer = await rig.Client.SendAsync(request);
        (await answer.Content.ReadAsStringAsync()).ShouldBe("78");

        var (status, told) = await PutAsync(source.Append('x').ToString());
        status.ShouldBe(HttpStatusCode.UnprocessableEntity, told);
        told.ShouldContain("limits.codeBytes");

        async Task<(HttpStatusCode Status, string Told)> PutAsync(string code)
        {
            using var form = new MultipartFormDataContent
            {
                // Compiling so much takes its time, the more so on a slow machine.
                { new StringContent("""{"mainModule":"main.js","limits":{"startupMs":5000,"cpuMs":5000}}""", Encoding.UTF8, "application/json"), "metadata" },
                { new StringContent(code, Encoding.UTF8, "application/javascript"), "main.js", "main.js" },
            };
            using var put = await rig.Console.Rest.PutAsync("/api/v1/workers/large", form);
            return (put.StatusCode, await put.Content.ReadAsStringAsync());
        }
    }
}
