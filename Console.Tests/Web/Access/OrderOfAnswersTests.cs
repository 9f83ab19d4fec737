using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Access;
using Quarterdeck.Tests.Support;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Tests.Web.Access;

/// <summary>401, 403, 404, 413 and 415, 400 and 422: in this order, and nothing of the body is read before the first three.</summary>
public sealed class OrderOfAnswersTests(AccessConsole console) : IClassFixture<AccessConsole>
{
    private static readonly Guid Nobody = Guid.Parse("0199c5de-8d7f-7c3a-9b1e-2f4d6a8c0e12");

    [Fact]
    public async Task Every_endpoint_of_REST_answers_401_without_a_token_and_403_to_every_role_below_its_permission()
    {
        var seen = 0;
        foreach (var endpoint in console.Get<IEnumerable<EndpointDataSource>>().SelectMany(s => s.Endpoints).OfType<RouteEndpoint>().Where(e => e.RoutePattern.RawText!.StartsWith("/api/v1/", StringComparison.Ordinal)))
        {
            var method = endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0];
            var path = System.Text.RegularExpressions.Regex.Replace(endpoint.RoutePattern.RawText!, @"\{(\w+)(:\w+)?\}", m => m.Groups[2].Value == ":guid" || m.Groups[1].Value == "id" ? Nobody.ToString() : "x");
            if (endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Authorization.IAllowAnonymous>() is not null) continue;
            using var nobody = console.Console.Client(null);
            (await nobody.SendAsync(new HttpRequestMessage(new HttpMethod(method), path))).StatusCode.ShouldBe(HttpStatusCode.Unauthorized, $"{method} {path}");
            if (endpoint.Metadata.GetMetadata<NeedsPermission>() is not { } needs) continue;
            foreach (var role in Enum.GetValues<Role>())
            {
                if (needs.AnyOf.Any(p => role >= p.Minimum)) continue;
                using var client = await console.ClientAsync(role);
                await (await client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path))).ProblemAsync(HttpStatusCode.Forbidden);
                seen++;
            }
        }
        seen.ShouldBeGreaterThan(10);
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("qd_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", HttpStatusCode.Unauthorized)]
    [InlineData("operator", HttpStatusCode.Forbidden)]
    public async Task The_body_is_not_read_before_401_and_403(string? token, HttpStatusCode expected)
    {
        if (token == "operator") (token, _) = await console.TokenAsync(Role.Operator);
        using var socket = new TcpClient();
        await socket.ConnectAsync(console.Console.Url.Host, console.Console.Url.Port);
        await using var stream = socket.GetStream();
        var authorization = token is null ? "" : $"Authorization: Bearer {token}\r\n";
        // A chunked body that has begun and never ends: an answer can come only if nobody waits for it.
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /api/v1/users HTTP/1.1\r\nHost: localhost\r\n{authorization}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{{\"name\": \"abcdef\r\n"));
        var answer = new byte[512];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var read = await stream.ReadAsync(answer, limit.Token);
        Encoding.ASCII.GetString(answer, 0, read).ShouldStartWith($"HTTP/1.1 {(int)expected} ");
    }

    [Fact]
    public async Task A_missing_object_is_404_whatever_its_body_says()
    {
        using var admin = await console.ClientAsync(Role.Administrator);
        await (await admin.PutAsync($"/api/v1/users/{Nobody}", new StringContent("not json", Encoding.UTF8, "text/plain"))).ProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Then_come_413_415_400_and_422()
    {
        using var admin = await console.ClientAsync(Role.Administrator);
        await (await admin.PostAsync("/api/v1/users", new StringContent("{}", Encoding.UTF8, "text/plain"))).ProblemAsync(HttpStatusCode.UnsupportedMediaType);
        await (await admin.PostAsync("/api/v1/users", new StringContent("{\"name\":\"" + new string('x', 2 << 20) + "\"}", Encoding.UTF8, "application/json"))).ProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        await (await admin.PostAsync("/api/v1/users", new StringContent("{", Encoding.UTF8, "application/json"))).ProblemAsync(HttpStatusCode.BadRequest);
        var problem = await (await admin.PostAsJsonAsync("/api/v1/users", new { name = "-", role = "viewer", password = "short" })).ProblemAsync(HttpStatusCode.UnprocessableEntity);
        problem.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("field").GetString()).ShouldBe(["name", "password"]);
    }

    [Fact]
    public async Task A_crafted_request_of_an_operator_is_refused_and_audited_with_the_request()
    {
        var (secret, id) = await console.TokenAsync(Role.Operator);
        using var client = console.Console.Client(secret);
        var problem = await (await client.PostAsJsonAsync("/api/v1/users", new { name = "eve", role = "administrator" })).ProblemAsync(HttpStatusCode.Forbidden);
        problem.GetProperty("detail").GetString()!.ShouldContain("needs the role administrator");
        var line = (await console.RefusalsAsync("users.manage")).Single(l => l.ActorId == id);
        line.Target.ShouldBe("post:/api/v1/users");
        line.RequestId.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_scoped_token_may_only_what_its_scopes_name()
    {
        using var client = await console.ClientAsync(Role.Administrator, "audit.read");
        (await client.GetAsync("/api/v1/audit")).StatusCode.ShouldBe(HttpStatusCode.OK);
        var problem = await (await client.GetAsync("/api/v1/users")).ProblemAsync(HttpStatusCode.Forbidden);
        problem.GetProperty("detail").GetString()!.ShouldContain("scope 'users.read'");
    }

    [Fact]
    public async Task A_revoked_token_is_refused_by_the_next_request()
    {
        var (secret, id) = await console.TokenAsync(Role.Viewer);
        using var client = console.Console.Client(secret);
        (await client.GetAsync("/api/v1/me")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await console.Console.Rest.DeleteAsync($"/api/v1/tokens/{id}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        var answer = await client.GetAsync("/api/v1/me");
        await answer.ProblemAsync(HttpStatusCode.Unauthorized);
        answer.Headers.WwwAuthenticate.ToString().ShouldContain("invalid_token");
    }

    [Fact]
    public async Task Tokens_and_users_have_the_shapes_that_outside_parties_rely_on()
    {
        var rest = console.Console.Rest;
        var created = await rest.PostAsJsonAsync("/api/v1/tokens", new { name = "shape", role = "viewer", scopes = new[] { "me" }, expiresAt = DateTimeOffset.UtcNow.AddDays(1) });
        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        var token = await created.Content.ReadFromJsonAsync<JsonElement>();
        token.GetProperty("token").GetString()!.ShouldStartWith("qd_");
        created.Headers.Location!.OriginalString.ShouldBe($"/api/v1/tokens/{token.GetProperty("id").GetString()}");
        var list = await rest.GetFromJsonAsync<JsonElement>("/api/v1/tokens?search=shape&pageSize=1");
        list.GetProperty("total").GetInt32().ShouldBe(1);
        list.GetProperty("items")[0].TryGetProperty("token", out _).ShouldBeFalse();
        list.GetProperty("items")[0].GetProperty("role").GetString().ShouldBe("viewer");

        var user = await (await rest.PostAsJsonAsync("/api/v1/users", new { name = "shape", role = "operator" })).Content.ReadFromJsonAsync<JsonElement>();
        user.GetProperty("password").GetString()!.Length.ShouldBe(20);
        var changed = await rest.PutAsJsonAsync($"/api/v1/users/{user.GetProperty("id").GetString()}", new { disabled = true });
        (await changed.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("disabled").GetBoolean().ShouldBeTrue();
        var line = (await rest.GetFromJsonAsync<JsonElement>($"/api/v1/audit?target=user:{user.GetProperty("id").GetString()}&action=user.update")).GetProperty("items")[0];
        line.GetProperty("actor").GetProperty("kind").GetString().ShouldBe("token");
        line.GetProperty("after").GetProperty("disabled").GetBoolean().ShouldBeTrue();
        (await rest.DeleteAsync($"/api/v1/users/{user.GetProperty("id").GetString()}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }
}
