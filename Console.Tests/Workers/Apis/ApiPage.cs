using System.Text;

namespace Quarterdeck.Tests.Workers.Apis;

/// <summary>Whether a check gave what the documentation says.</summary>
internal sealed record ApiRow(ApiCheck Check, bool Works);

/// <summary>docs/worker-apis.md, made from what really passed.</summary>
internal static class ApiPage
{
    public const string Name = "worker-apis.md";

    private const string Documentation = "https://developers.cloudflare.com/workers/";

    public static string Of(IReadOnlyList<ApiRow> rows)
    {
        var page = new StringBuilder().AppendLine("# Which Workers APIs there are").AppendLine().AppendLine($$"""
            Each row is a request through the front to a worker that really uses the API, compared with what the [Workers documentation]({{Documentation}}) says of it. `WorkerApiTests` makes them all, and fails when this page says anything else than what passed. **{{rows.Count(row => row.Works)}} of {{rows.Count}} work.**

            The worker is the wrangler project in `Console.Tests/Workers/Apis/project`, with `nodejs_compat` and a compatibility date of 2026-11-01. [worker-bindings.md](worker-bindings.md) tells how bindings are kept, [worker-limits.md](worker-limits.md) what ends code.

            | area | API | works |
            |---|---|---|
            """);
        foreach (var area in rows.GroupBy(row => row.Check.Area))
        {
            var first = true;
            foreach (var (check, works) in area)
            {
                var link = first ? $"[{check.Area}]({new Uri(new Uri(Documentation), check.Page)})" : "";
                page.AppendLine($"| {link} | {Code(check.Api)} | {(works ? "yes" : $"**no**: {check.Why}")} |");
                first = false;
            }
        }
        return page.AppendLine().AppendLine("""
            ## Not there
            Products around Workers that have no counterpart here: D1, Hyperdrive, Vectorize, Workers AI, AI Gateway, Analytics Engine, Browser Rendering, Images, Stream, Email, Workflows, Pipelines, Containers, Secrets Store, mTLS certificates, rate limiting, dynamic dispatch, tail workers, Python workers. A wrangler project that asks for one is told so by the name of the key; deploying it is not refused.

            ## Different here
            - `request.cf` has `httpProtocol` and, over TLS, `tlsVersion`; nothing is known of where visitors are.
            - A cache is one node's, as it is one data centre's there.
            """).ToString().ReplaceLineEndings("\n");
    }

    private static string Code(string api) => api.Replace("|", "\\|", StringComparison.Ordinal);
}
