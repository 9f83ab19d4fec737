using Bunit;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Hosts;
using Quarterdeck.Platform;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Tests.Web.Shared;

/// <summary>The parts that every page is made of.</summary>
public sealed class PartsTests : BunitContext
{
    public PartsTests()
    {
        Services.AddSingleton(TimeProvider.System);
        JSInterop.Mode = JSRuntimeMode.Loose;
    }

    [Fact]
    public void A_state_is_a_sign_a_word_and_a_colour()
    {
        var tag = Render<StateTag>(p => p.Add(x => x.State, HostState.Disconnected)).Find("span.qd-tag");
        tag.ClassList.ShouldContain("bad");
        tag.TextContent.ShouldBe("✕disconnected");
        tag.Children[0].GetAttribute("aria-hidden").ShouldBe("true");
    }

    [Fact]
    public void A_running_vm_is_well_while_a_running_operation_is_under_way()
    {
        Render<StateTag>(p => p.Add(x => x.State, VmState.Running).Add(x => x.As, Meaning.Ok)).Find(".ok").TextContent.ShouldContain("running");
        Render<StateTag>(p => p.Add(x => x.State, VmState.Running)).Find(".run").TextContent.ShouldContain("running");
    }

    [Fact]
    public void A_time_is_relative_with_the_absolute_one_on_hover()
    {
        var time = Render<RelativeTime>(p => p.Add(x => x.At, DateTimeOffset.UtcNow.AddMinutes(-3))).Find("time");
        time.TextContent.ShouldBe("3 min ago");
        time.GetAttribute("title")!.ShouldMatch(@"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$");
        Render<RelativeTime>(p => p.Add(x => x.At, null).Add(x => x.Never, "never")).Markup.ShouldContain("never");
    }

    [Fact]
    public void An_id_shows_its_end_and_copies_the_whole()
    {
        var id = Guid.CreateVersion7();
        var button = Render<ShortId>(p => p.Add(x => x.Id, id)).Find("button");
        button.GetAttribute("data-copy").ShouldBe(id.ToString());
        button.TextContent.ShouldEndWith(id.ToString()[^8..]);
        button.TextContent.ShouldStartWith("Copy id");
    }

    [Theory]
    [InlineData(1_181_116_006, 1_932_735_283L, "bytes", "1.1 of 1.8 GiB", "61")]
    [InlineData(3, 12L, "disks", "3 of 12 disks", "25")]
    [InlineData(5, null, "bytes", "5 B", null)]
    [InlineData(20, 10L, "steps", "20 of 10 steps", "100")]
    public void Progress_has_units_and_speaks_to_screen_readers(long done, long? total, string unit, string text, string? now)
    {
        var bar = Render<ProgressBar>(p => p.Add(x => x.Label, "Upload").Add(x => x.Done, done).Add(x => x.Total, total).Add(x => x.Unit, unit)).Find("[role=progressbar]");
        bar.GetAttribute("aria-valuetext").ShouldBe(text);
        bar.GetAttribute("aria-valuenow").ShouldBe(now);
    }

    [Fact]
    public void A_problem_names_each_field_with_its_remedy_and_offers_to_try_again()
    {
        var again = false;
        var notice = Render<ProblemNotice>(p => p.Add(x => x.Problem, Problem.Invalid("uri", "It is not allowed.", "Use qemu:///system.")).Add(x => x.Retry, EventCallback.Factory.Create(this, () => again = true)));
        notice.Find("li").TextContent.ShouldBe("uri It is not allowed. Use qemu:///system.");
        notice.Find("[role=alert] button").Click();
        again.ShouldBeTrue();
        Render<ProblemNotice>(p => p.Add(x => x.Problem, null)).Markup.Trim().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_question_is_answered_once_by_its_button_or_by_leaving()
    {
        var dialog = Render<ConfirmDialog>();
        var answer = await AskAsync(dialog);
        dialog.Find("h2").TextContent.ShouldBe("Delete VM web-07?");
        await dialog.Find("button.danger").ClickAsync();
        (await answer).ShouldBeTrue();
        dialog.FindAll("h2").ShouldBeEmpty();

        answer = await AskAsync(dialog);
        await dialog.FindAll("button")[0].ClickAsync();
        (await answer).ShouldBeFalse();

        async Task<Task<bool>> AskAsync(IRenderedComponent<ConfirmDialog> d)
        {
            Task<bool> asked = default!;
            await d.InvokeAsync(() => { asked = d.Instance.AskAsync("Delete VM web-07?", "Its disks stay.", "Delete web-07", danger: true); });
            d.WaitForElement("h2");
            return asked;
        }
    }

    [Fact]
    public void Pages_of_a_list_are_links_that_keep_the_rest_of_the_address()
    {
        Services.GetRequiredService<NavigationManager>().NavigateTo("/vms?search=web&page=2");
        var pager = Render<Pager>(p => p.Add(x => x.Number, 2).Add(x => x.Size, 50).Add(x => x.Total, 130));
        pager.Find("[aria-label='Previous page']").GetAttribute("href").ShouldBe("http://localhost/vms?search=web");
        pager.Find("[aria-label='Next page']").GetAttribute("href")!.ShouldContain("page=3");
        pager.Markup.ShouldContain("51–100 of 130");
        // A link that leads nowhere is one all the same: without the role its label would be ignored.
        var none = Render<Pager>(p => p.Add(x => x.Number, 1).Add(x => x.Size, 50).Add(x => x.Total, 51)).Find("[aria-label='Previous page']");
        (none.GetAttribute("role"), none.GetAttribute("aria-disabled"), none.HasAttribute("href")).ShouldBe(("link", "true", false));
        Render<Pager>(p => p.Add(x => x.Number, 1).Add(x => x.Size, 50).Add(x => x.Total, 50)).Markup.Trim().ShouldBeEmpty();
    }

    [Fact]
    public void A_filter_is_written_into_the_address_and_starts_at_the_first_page()
    {
        var navigation = Services.GetRequiredService<NavigationManager>();
        navigation.NavigateTo("/vms?page=4&search=web");
        var chips = Render<FilterChips>(p => p.Add(x => x.Filters, [new Filter("state", "State", [("running", "running"), ("off", "off")])]));
        chips.Find("select").Change("off");
        navigation.Uri.ShouldBe("http://localhost/vms?search=web&state=off");
    }

    [Fact]
    public void A_list_shows_skeleton_then_rows_then_why_nothing_matches()
    {
        var navigation = Services.GetRequiredService<NavigationManager>();
        var grid = Render<DataGrid<string>>(p => Rows(p, null));
        grid.FindAll(".qd-skeleton").Count.ShouldBe(1);

        grid.Render(p => Rows(p, ["a", "b"]));
        grid.FindAll("tbody tr").Count.ShouldBe(2);
        grid.Find("tbody tr:first-child td:first-child a.qd-row-link").GetAttribute("href").ShouldBe("things/a");
        grid.Find("th").GetAttribute("aria-sort").ShouldBe("ascending");
        grid.Find("th a").GetAttribute("href")!.ShouldContain("sort=-name");

        grid.Render(p => Rows(p, []));
        grid.Markup.ShouldContain("No things yet");
        navigation.NavigateTo("/things?search=zzz");
        grid.Render(p => Rows(p, []));
        grid.Markup.ShouldContain("Nothing matches");
        grid.Find(".qd-empty button").Click();
        navigation.Uri.ShouldBe("http://localhost/things");
    }

    [Fact]
    public void A_list_that_could_not_be_read_says_why_and_keeps_its_search()
    {
        var grid = Render<DataGrid<string>>(p => Rows(p, null).Add(x => x.Problem, Problem.Unavailable("The database is away", "It is tried again.")));
        grid.Find("[role=alert]").TextContent.ShouldContain("The database is away");
        grid.FindAll(".qd-skeleton").ShouldBeEmpty();
        grid.FindAll("input[type=search]").Count.ShouldBe(1);
    }

    private static ComponentParameterCollectionBuilder<DataGrid<string>> Rows(ComponentParameterCollectionBuilder<DataGrid<string>> p, string[]? rows) => p
        .Add(x => x.Label, "Things").Add(x => x.Page, rows is null ? null : new Page<string>(rows, rows.Length, 1, 50)).Add(x => x.RowKey, row => row)
        .Add(x => x.RowHref, row => "things/" + row).Add(x => x.SearchHint, "Find").Add(x => x.DefaultSort, "name")
        .Add(x => x.Empty, "No things yet")
        .Add(x => x.Columns, builder =>
        {
            builder.OpenComponent<GridColumn<string>>(0);
            builder.AddAttribute(1, nameof(GridColumn<string>.Key), "name");
            builder.AddAttribute(2, nameof(GridColumn<string>.Title), "Name");
            builder.AddAttribute(3, nameof(GridColumn<string>.Sortable), true);
            builder.AddAttribute(4, nameof(GridColumn<string>.ChildContent), (RenderFragment<string>)(row => cell => cell.AddContent(0, row)));
            builder.CloseComponent();
        });
}
