using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Quarterdeck.Plugins.Manifests;
using Quarterdeck.Tests.House;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Plugins;

/// <summary>docs/formats/quarterdeck-plugin.schema.json, which authors' editors use, and the console's own reader say the same about every manifest.</summary>
public sealed class ManifestSchemaTests
{
    /// <summary>Every member there is.</summary>
    public const string Whole = """
        {"$schema":"urn:x","schema":1,"key":"org.example.net-scan","name":"Net scan","vendor":"Example","version":"1.2.3-rc.1+b7","description":"Scans.","console":">=0.1.0 <1.0.0",
         "capabilities":["vms.read","vms.power"],"ui":{"port":8080,"scheme":"https","path":"/ui"},"health":{"port":1,"scheme":"http","path":"/health"},
         "contributes":{"menu":[{"title":"Scans","path":"/scans","icon":"search"}],"tabs":[{"object":"vm","title":"Netscan","path":"/vm?id={id}"},{"object":"host","title":"Netscan","path":"/host/{id}"}],
          "cards":[{"title":"Open ports","path":"/card","heightPx":160}]},
         "webhooks":{"port":8081,"scheme":"http","path":"/hook","events":["vm.started"]},"data":["data1"],"future":{"x":[1]}}
        """;

    /// <summary>What stands in the place of each member in turn.</summary>
    private static readonly string[] Literals =
    [
        "null", "true", "0", "1", "1.0", "1.5", "2", "-1", "79", "80", "80.0", "600", "601", "65535", "65536", "1e2", "99999999999", "[]", "{}", "[1]", "[{}]", "[null]", "[\"\"]", "[\"a\"]", "[\"A b\"]", "[\"a\",\"a\"]",
        "\"\"", "\" \"", "\"a\"", "\"a b\"", "\"A\"", "\"é\"", "\"a\\n\"", "\"a\\u0007\"", "\"a\\u0085\"", "\"-a\"", "\"a-\"", "\"a.b\"", "\"a_b\"", "\"1.2.3\"", "\"1.2\"", "\"01.2.3\"", "\"1.2.3-\"", "\"1.2.3\\n\"",
        "\" >=1.0.0  <2.0.0 \"", "\">= 1.0.0\"", "\">=1.0.0,<2.0.0\"", "\"http\"", "\"https\"", "\"file\"", "\"vm\"", "\"host\"", "\"cluster\"", "\"/\"", "\"/a\"", "\"//a\"", "\"a/b\"", "\"/a b\"", "\"/a\\\\b\"", "\"/..\"", "\"/../a\"",
        "\"/a/../b\"", "\"/a/.\"", "\"/.a\"", "\"/a..b\"", "\"/%2e%2E/a\"", "\"/a?b=/../c\"", "\"/a#/..\"", "\"/a/..?b\"", "\"https://x/\"", "{\"port\":1}", "{\"port\":0}", "{\"port\":null}", "{\"path\":\"/a\",\"events\":[\"a\"]}",
        $"\"{new string('a', 40)}\"", $"\"{new string('a', 41)}\"", $"\"{new string('a', 64)}\"", $"\"{new string('a', 65)}\"", $"\"{new string('a', 81)}\"", $"\"{new string('a', 401)}\"", $"\"/{new string('a', 399)}\"", $"\"/{new string('a', 400)}\"",
        $"\"{string.Concat(Enumerable.Repeat("\\ud83d\\udea2", 40))}\"", $"[{string.Join(',', Enumerable.Repeat("\"a\"", 16))}]", $"[{string.Join(',', Enumerable.Repeat("\"a\"", 17))}]", $"[{string.Join(',', Enumerable.Repeat("\"a\"", 33))}]",
        $"[{string.Join(',', Enumerable.Repeat("""{"title":"a","path":"/a"}""", 5))}]", $"[{string.Join(',', Enumerable.Repeat("""{"title":"a","path":"/a","object":"vm"}""", 9))}]",
    ];

    private static readonly SchemaCheck Schema = new(JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "docs", "formats", "quarterdeck-plugin.schema.json"))).RootElement);

    private static (bool Parser, bool Schema) Verdicts(string json)
    {
        using var document = JsonDocument.Parse(json);
        return (PluginManifest.Parse(Encoding.UTF8.GetBytes(json), "manifest").Ok, Schema.Holds(document.RootElement));
    }

    [Fact]
    public void Schema_and_reader_agree_whatever_stands_in_the_place_of_a_member()
    {
        var (good, bad, apart) = (0, 0, new List<string>());
        foreach (var path in Paths(JsonNode.Parse(Whole)!, ""))
            foreach (var literal in Literals.Append(""))
            {
                var json = With(path, literal);
                var (parser, schema) = Verdicts(json);
                if (parser != schema) apart.Add($"{path} = {(literal.Length > 60 ? literal[..60] + "…" : literal)}: reader {parser}, schema {schema}");
                if (parser) good++;
                else bad++;
            }

        apart.ShouldBeEmpty();
        good.ShouldBeGreaterThan(400); // both verdicts were really asked for
        bad.ShouldBeGreaterThan(1000);
    }

    [Fact]
    public void The_whole_and_the_least_manifest_hold_and_an_empty_one_does_not()
    {
        Verdicts(Whole).ShouldBe((true, true));
        Verdicts("""{"schema":1,"key":"a","name":"a","vendor":"a","version":"0.0.1"}""").ShouldBe((true, true));
        Verdicts("""{"schema":1,"key":"a","name":"a","vendor":"a","version":"0.0.1","webhooks":{"path":"/a","events":["a"]}}""").ShouldBe((false, false));
        Verdicts("""{"schema":1,"key":"a","name":"a","vendor":"a","version":"0.0.1","contributes":{}}""").ShouldBe((false, false));
        Verdicts("{}").ShouldBe((false, false));
        Verdicts("[]").ShouldBe((false, false));
    }

    [Fact]
    public void The_demo_appliances_manifest_holds() =>
        Verdicts(File.ReadAllText(Path.Combine(Repository.Root, "samples", "appliance", "quarterdeck-plugin.json"))).ShouldBe((true, true));

    /// <summary>Every member and element, by its path in slashes.</summary>
    private static IEnumerable<string> Paths(JsonNode node, string at) => node switch
    {
        JsonObject members => members.SelectMany(m => Paths(m.Value!, $"{at}/{m.Key}").Prepend($"{at}/{m.Key}")),
        JsonArray elements => elements.SelectMany((e, i) => Paths(e!, $"{at}/{i}").Prepend($"{at}/{i}")),
        _ => [],
    };

    /// <summary>The whole manifest with something else at the path; without it when <paramref name="literal"/> is empty.</summary>
    private static string With(string path, string literal)
    {
        var root = JsonNode.Parse(Whole)!;
        var names = path.Split('/')[1..];
        var parent = names[..^1].Aggregate(root, (n, name) => n is JsonArray list ? list[int.Parse(name)]! : n[name]!);
        switch (parent)
        {
            case JsonArray list when literal.Length == 0: list.RemoveAt(int.Parse(names[^1])); break;
            case JsonArray list: list[int.Parse(names[^1])] = JsonNode.Parse(literal); break;
            case JsonObject members when literal.Length == 0: members.Remove(names[^1]); break;
            default: parent[names[^1]] = JsonNode.Parse(literal); break;
        }
        return root.ToJsonString();
    }
}
