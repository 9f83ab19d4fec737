using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Quarterdeck.Tests.Support;
using Quarterdeck.Tests.Web.Api;

namespace Quarterdeck.Tests.Web.Appliances;

[Collection("rest")]
public sealed class PublisherRestTests(SharedConsole shared)
{
    [Fact]
    public async Task A_publisher_is_trusted_listed_and_revoked_over_REST()
    {
        using var signer = Signer.Make("REST publisher " + Guid.NewGuid().ToString("N")[..8]);
        var rest = shared.Console.Rest;

        using var created = await rest.PostAsJsonAsync("/api/v1/publishers", new { name = signer.Certificate.Subject, certificate = signer.Pem });
        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        var publisher = await created.Content.ReadFromJsonAsync<JsonElement>();
        var address = created.Headers.Location!.ToString();
        address.ShouldBe($"/api/v1/publishers/{publisher.GetProperty("id").GetString()}");
        publisher.GetProperty("fingerprint").GetString()!.Length.ShouldBe(64);
        (await rest.GetFromJsonAsync<JsonElement>($"/api/v1/publishers?search={publisher.GetProperty("fingerprint").GetString()}")).GetProperty("total").GetInt32().ShouldBe(1);
        using var wrong = await rest.PostAsJsonAsync("/api/v1/publishers", new { name = "x", certificate = "hello" });
        wrong.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);

        using var gone = await rest.DeleteAsync(address);
        gone.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await rest.GetFromJsonAsync<JsonElement>(address)).GetProperty("revokedAt").ValueKind.ShouldBe(JsonValueKind.String);
    }
}
