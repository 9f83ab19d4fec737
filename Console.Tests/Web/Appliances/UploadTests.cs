using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Api;

namespace Quarterdeck.Tests.Web.Appliances;

[Collection("rest")]
public sealed class UploadTests(SharedConsole shared)
{
    private readonly TestConsole _console = shared.Console;
    private static readonly string Spec = $$"""{"name":"probe","hostId":"{{Guid.NewGuid()}}"}""";

    private static MultipartFormDataContent Form(params (string Name, byte[] Content)[] parts)
    {
        var form = new MultipartFormDataContent();
        foreach (var (name, content) in parts) form.Add(new ByteArrayContent(content), name, name == "file" ? "probe.ova" : name);
        return form;
    }

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    private async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(HttpContent content, string path = "/api/v1/appliances")
    {
        using var answer = await _console.Rest.PostAsync(path, content);
        return (answer.StatusCode, JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task An_inspection_answers_what_is_in_the_package()
    {
        var (status, body) = await PostAsync(Form(("file", new OvaBuilder { Manifest = OvaBuilder.Plugin }.Build())), "/api/v1/appliances/inspect");

        status.ShouldBe(HttpStatusCode.OK, $"{body}");
        body.GetProperty("product").GetProperty("name").GetString().ShouldBe("Probe");
        body.GetProperty("signature").GetProperty("state").GetString().ShouldBe("none");
        body.GetProperty("plugin").GetBoolean().ShouldBeTrue();
        body.GetProperty("properties").GetArrayLength().ShouldBe(5);
    }

    [Fact]
    public async Task An_inspection_answers_all_that_a_deployment_must_say()
    {
        var (status, body) = await PostAsync(Form(("file", RichPackage.Builder("iso com.vmware.guestInfo").Build())), "/api/v1/appliances/inspect");

        status.ShouldBe(HttpStatusCode.OK, $"{body}");
        body.GetProperty("options")[1].GetProperty("vcpus").GetInt32().ShouldBe(4);
        body.GetProperty("capabilities").EnumerateArray().Select(c => c.GetProperty("description").GetString()).ShouldBe(["See virtual machines", "Start, stop, pause and reboot virtual machines", "See all users and their roles", null]);
        var properties = body.GetProperty("properties").EnumerateArray().ToDictionary(p => p.GetProperty("key").GetString()!);
        properties["vlan"].GetProperty("maxValue").GetString().ShouldBe("4094");
        properties["dns"].GetProperty("format").GetString().ShouldBe("ip-list");
        properties["workers"].GetProperty("defaultByOption").GetProperty("large").GetString().ShouldBe("9");
        body.GetProperty("transports").EnumerateArray().Select(t => t.GetString()).ShouldBe(["iso", "com.vmware.guestInfo"]);
        body.GetProperty("hardware").EnumerateArray().Single(h => h.GetProperty("kind").GetString() == "floppy drive").GetProperty("becomes").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task A_bad_package_is_422_and_names_file_and_reason()
    {
        var (status, body) = await PostAsync(Form(("file", new OvaBuilder { Digest = m => m.Replace("vmdk", "else") }.Build())), "/api/v1/appliances/inspect");

        status.ShouldBe(HttpStatusCode.UnprocessableEntity);
        body.GetProperty("errors")[0].GetProperty("field").GetString().ShouldBe("file");
        body.GetProperty("detail").GetString()!.ShouldContain("probe-disk1.vmdk");
    }

    [Theory]
    [InlineData("file first", 422, "spec")]
    [InlineData("no file", 422, "file")]
    [InlineData("unknown part", 422, "other")]
    [InlineData("unknown field", 422, "nmae")]
    [InlineData("no name", 422, "name")]
    [InlineData("bad name", 422, "name")]
    [InlineData("spec is no JSON", 400, null)]
    [InlineData("no multipart", 415, null)]
    [InlineData("no boundary", 400, null)]
    [InlineData("ends early", 400, null)]
    [InlineData("unknown host", 404, null)]
    [InlineData("large spec", 413, null)]
    public async Task A_wrong_upload_is_answered_by_what_is_wrong(string what, int expected, string? field)
    {
        using HttpContent content = what switch
        {
            "file first" => Form(("file", new byte[10]), ("spec", Text(Spec))),
            "no file" => Form(("spec", Text(Spec))),
            "unknown part" => Form(("other", [1])),
            "unknown field" => Form(("spec", Text(Spec.Replace("name", "nmae"))), ("file", [])),
            "no name" => Form(("spec", Text($$"""{"hostId":"{{Guid.NewGuid()}}"}""")), ("file", [])),
            "bad name" => Form(("spec", Text(Spec.Replace("probe", "a/b"))), ("file", [])),
            "spec is no JSON" => Form(("spec", Text("{")), ("file", [])),
            "no multipart" => new StringContent(Spec, Encoding.UTF8, "application/json"),
            "no boundary" => new ByteArrayContent([1]) { Headers = { ContentType = MediaTypeHeaderValue.Parse("multipart/form-data") } },
            "ends early" => new ByteArrayContent(Text("--x\r\nContent-Disposition: form-data; name=\"spec\"\r\n\r\n{")) { Headers = { ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=x") } },
            "large spec" => Form(("spec", new byte[2 << 20]), ("file", [])),
            _ => Form(("spec", Text(Spec)), ("file", new OvaBuilder().Build())),
        };

        var (status, body) = await PostAsync(content);

        ((int)status).ShouldBe(expected, $"{body}");
        if (field is not null) body.GetProperty("errors")[0].GetProperty("field").GetString().ShouldBe(field);
        else body.GetProperty("title").GetString().ShouldNotBeNullOrWhiteSpace();
    }

    [Theory]
    [InlineData("/api/v1/appliances")]
    [InlineData("/api/v1/appliances/inspect")]
    public async Task Without_a_token_the_answer_comes_before_the_body(string path)
    {
        using var nobody = _console.Client(null);
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new NeverSent(), Headers = { ExpectContinue = true } };

        (await nobody.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WaitAsync(TimeSpan.FromSeconds(60))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    /// <summary>A body that would never end.</summary>
    private sealed class NeverSent : HttpContent
    {
        public NeverSent() => Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=x");

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(new byte[1000]);
            await stream.FlushAsync();
            await Task.Delay(TimeSpan.FromSeconds(60));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
