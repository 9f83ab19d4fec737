using System.Text.Json;
using System.Text.Json.Nodes;
using Quarterdeck.Workers.Projects;

namespace Quarterdeck.Tests.Workers;

public sealed class TomlTests
{
    [Fact]
    public void Settings_as_people_write_them_are_read()
    {
        var read = Toml.Parse(""""
            # a worker
            name = "shop" # its name
            compatibility_flags = [
              "nodejs_compat", # one
              'b\n',
            ]
            hex = 0xff
            big = 1_000
            real = 1e3
            day = 2026-01-01
            on = true
            "quoted key".'and.dots' = 1
            text = '''
            raw \ text'''
            more = """
            a \
              b\u00e9"""
            inline = { a = 1, b.c = [ { d = 2 } ] }

            [vars]
            A = "\"x\" \t"
            [[kv_namespaces]]
            binding = "ONE"
            [[kv_namespaces]]
            binding = "TWO"
            [kv_namespaces.deep]
            x = 1
            [env.production.vars]
            A = "y"
            """");
        JsonNode.DeepEquals(read, JsonNode.Parse("""
            {"name":"shop","compatibility_flags":["nodejs_compat","b\\n"],"hex":255,"big":1000,"real":1000,"day":"2026-01-01","on":true,"quoted key":{"and.dots":1},"text":"raw \\ text","more":"a bé",
             "inline":{"a":1,"b":{"c":[{"d":2}]}},"vars":{"A":"\"x\" \t"},"kv_namespaces":[{"binding":"ONE"},{"binding":"TWO","deep":{"x":1}}],"env":{"production":{"vars":{"A":"y"}}}}
            """)).ShouldBeTrue(read.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }

    [Theory]
    [InlineData("a = ", "line 1, character 5")]
    [InlineData("a = 1\na = 2", "line 2")]
    [InlineData("a = 1\n\n[a]", "line 3")]
    [InlineData("[t]\n[t]", "twice")]
    [InlineData("a = \"x", "not closed")]
    [InlineData("a = b", "no value")]
    [InlineData("a = [1, 2", "line 1")]
    [InlineData("a = {b = 1", "line 1")]
    [InlineData("a = \"\\q\"", "escape")]
    [InlineData("= 1", "a key is expected")]
    [InlineData("a = \"1\" b = 2", "line should end")]
    public void A_mistake_is_told_by_its_place(string text, string part) => Should.Throw<FormatException>(() => Toml.Parse(text)).Message.ShouldContain(part);

    [Fact]
    public void No_text_ends_in_anything_but_settings_or_a_told_mistake()
    {
        var random = new Random(7);
        const string letters = "ab=\"'[]{}.,#\n \\u01-:_t";
        for (var i = 0; i < 20_000; i++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(30)).Select(_ => letters[random.Next(letters.Length)])]);
            try { Toml.Parse(text); }
            catch (FormatException e) { e.Message.ShouldStartWith("line "); }
        }
        Should.Throw<FormatException>(() => Toml.Parse("a = " + new string('[', 100_000)));
    }
}
