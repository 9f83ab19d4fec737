using System.Net;
using Dapper;
using Microsoft.AspNetCore.Http;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Operations;
using Quarterdeck.Plugins;
using Quarterdeck.Plugins.Registry;
using Quarterdeck.Web.Plugins.Ui;

namespace Quarterdeck.Tests.Web.Plugins.Ui;

/// <summary>Whom a ticket lets in, and what ends it.</summary>
public sealed class TicketTests : IAsyncLifetime
{
    private PluginUiStage _stage = null!;
    private HttpClient _browser = null!;

    public async Task InitializeAsync()
    {
        _stage = await PluginUiStage.StartAsync(async http =>
        {
            if (http.Request.Path == "/events")
            {
                await http.Response.WriteAsync("data: first\n\n");
                await http.Response.Body.FlushAsync();
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
            }
            await http.Response.WriteAsync("hello");
        });
        _browser = _stage.Browser();
    }

    public Task DisposeAsync() => _stage.DisposeAsync().AsTask();

    private async Task<HttpStatusCode> StatusAsync(string prefix) => (await _browser.GetAsync(prefix + "/")).StatusCode;

    [Theory]
    [InlineData("sign-out"), InlineData("disable"), InlineData("role")]
    public async Task It_ends_with_its_session_and_when_the_plug_in_is_disabled_and_cuts_what_is_open(string by)
    {
        var (key, caller) = await _stage.SessionAsync();
        var (_, other) = await _stage.SessionAsync();
        var prefix = "/plugin-ui/" + (await _stage.Service<UiVisits>().TicketAsync(caller, _stage.Plugin, default)).Value;
        var others = "/plugin-ui/" + (await _stage.Service<UiVisits>().TicketAsync(other, _stage.Plugin, default)).Value;
        (await StatusAsync(prefix)).ShouldBe(HttpStatusCode.OK);
        using var open = await _browser.GetAsync(prefix + "/events", HttpCompletionOption.ResponseHeadersRead);
        using var events = new StreamReader(await open.Content.ReadAsStreamAsync());
        (await events.ReadLineAsync()).ShouldBe("data: first");

        if (by == "sign-out") await _stage.Service<SessionKeeper>().EndAsync(key, default);
        else if (by == "disable") await DisableAsync();
        else await _stage.Service<Users>().UpdateAsync(Caller.System, await SelfAsync(), new UserChange(Role: Role.Viewer), default);

        await Should.ThrowAsync<Exception>(async () => { while (await events.ReadLineAsync() is not null) { } }); // the open stream is cut, not ended
        await PluginUiStage.UntilAsync(async () => await StatusAsync(prefix) == HttpStatusCode.NotFound);
        if (by == "sign-out") (await StatusAsync(others)).ShouldBe(HttpStatusCode.OK, "another session's ticket is its own");
        if (by != "disable") return;
        await _stage.MoveAsync(PluginState.Ready);
        (await StatusAsync(prefix)).ShouldBe(HttpStatusCode.NotFound, "what was opened before must not come back");
        (await _stage.Service<UiVisits>().TicketAsync(caller, _stage.Plugin, default)).Value.ShouldNotBe(prefix["/plugin-ui/".Length..]);

        async Task<Guid> SelfAsync()
        {
            _ = (await _stage.Service<Users>().CreateAsync(Caller.System, new NewUser("second", Role.Administrator, "another-good-one-7"), default)).Value; // an administrator is left
            return caller.Id!.Value;
        }
    }

    private async Task DisableAsync()
    {
        var operation = (await _stage.Service<PluginRegistry>().DisableAsync(Caller.System, _stage.Plugin, stopVm: false, default)).Value;
        await PluginUiStage.UntilAsync(async () => (await _stage.Service<OperationReader>().GetAsync(Caller.System, operation, default)).Value.Ended);
    }

    [Fact]
    public async Task Disabling_takes_the_forward_to_the_guest_away()
    {
        (await StatusAsync(await _stage.TicketAsync())).ShouldBe(HttpStatusCode.OK);
        _stage.Hypervisor.Monitor!("info usernet").ShouldContain("HOST_FORWARD");
        await DisableAsync();
        _stage.Hypervisor.Monitor!("info usernet").ShouldNotContain("HOST_FORWARD");
    }

    [Fact]
    public async Task A_session_keeps_its_ticket_and_a_token_gets_none()
    {
        var (_, caller) = await _stage.SessionAsync();
        var first = (await _stage.Service<UiVisits>().TicketAsync(caller, _stage.Plugin, default)).Value;
        (await _stage.Service<UiVisits>().TicketAsync(caller, _stage.Plugin, default)).Value.ShouldBe(first);
        (await _stage.Service<UiVisits>().TicketAsync((await _stage.SessionAsync()).Caller, _stage.Plugin, default)).Value.ShouldNotBe(first);
        (await _stage.Service<UiVisits>().TicketAsync(caller with { SessionId = null }, _stage.Plugin, default)).Problem!.Kind.ShouldBe(Quarterdeck.Platform.ProblemKind.Forbidden);
        (await _stage.Service<UiVisits>().TicketAsync(caller with { Role = Role.Viewer }, _stage.Plugin, default)).Problem!.Kind.ShouldBe(Quarterdeck.Platform.ProblemKind.Forbidden);
    }

    [Fact]
    public async Task With_the_plug_in_its_tickets_are_removed()
    {
        var prefix = await _stage.TicketAsync();
        (await StatusAsync(prefix)).ShouldBe(HttpStatusCode.OK);
        await _stage.Service<PluginStore>().RemoveAsync(_stage.Plugin, default);
        await using (var connection = await _stage.Service<Quarterdeck.Database.Db>().OpenAsync(default))
            (await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM plugin_tickets")).ShouldBe(0);
        _stage.Service<EventStream<Plugin>>().Remove(_stage.Plugin.ToString("D"));
        await PluginUiStage.UntilAsync(async () => await StatusAsync(prefix) == HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_VM_that_is_off_is_told_in_words_and_reached_again_when_it_runs()
    {
        var prefix = await _stage.TicketAsync();
        await _stage.Hypervisor.DestroyAsync(_stage.Vm, default);
        var answer = await _browser.GetAsync(prefix + "/");
        answer.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await answer.Content.ReadAsStringAsync()).ShouldContain("The plug-in's VM is off. The VM 'harbour' of Harbour light must run to be reached. Start it.");
        await _stage.Hypervisor.StartAsync(_stage.Vm, default);
        (await StatusAsync(prefix)).ShouldBe(HttpStatusCode.OK);
    }
}
