using System.Text.Json;
using Bunit;
using Microsoft.Extensions.DependencyInjection;
using Quarterdeck.Web.Workers;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Web.Workers;

public sealed class WorkerPartsTests : BunitContext
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_run_in_the_log_says_what_it_threw_and_shows_markup_as_text()
    {
        var run = new TailEvent(7, 3, Noon, "fetch", "exception", "GET", "http://shop.test/<b>", null, null, 1.5, 20,
            [new TailLine(Noon, TailLevel.Warn, "<script>alert(1)</script>")], [new TailException(Noon, "TypeError", "no such thing", null)], Truncated: true);
        var card = Render<TailRun>(p => p.Add(x => x.Run, run));
        card.Find("article").ClassList.ShouldContain("bad");
        card.Markup.ShouldContain("&lt;script&gt;");
        card.Markup.ShouldContain("TypeError: no such thing");
        card.Markup.ShouldContain("left out or cut");
        card.FindAll("script").Count.ShouldBe(0);
    }

    [Fact]
    public void A_chart_has_a_summary_and_breaks_its_line_where_nothing_was_measured()
    {
        var points = new long?[] { 1000, null, 3000 }.Select((cpu, i) => new FigurePoint(Noon.AddMinutes(i), 5, 1, 0, cpu, cpu, null, null, null, new Dictionary<WorkerLimitKind, int>())).ToList();
        var chart = Render<FigureChart>(p => p.Add(x => x.Title, "CPU").Add(x => x.Series, new FigureSeries(FigureRange.Hour, TimeSpan.FromMinutes(1), points, [1]))
            .Add(x => x.Format, v => $"{v:0} µs").Add(x => x.Lines, [new FigureLine("p50", x => x.CpuP50), new FigureLine("wall", x => x.WallP50)]));
        chart.Find("svg").GetAttribute("aria-label")!.ShouldBe("CPU, 60 min ago to now. p50: now 3000 µs, highest 3000 µs. wall: no figures.");
        chart.FindAll("path")[0].GetAttribute("d")!.Count(c => c == 'M').ShouldBe(2);
        chart.FindAll("path")[1].GetAttribute("d").ShouldBe("");
    }

    [Fact]
    public void A_worker_that_was_set_apart_or_switched_off_is_told_on_the_overview_with_the_reason()
    {
        Services.AddSingleton(TimeProvider.System);
        var card = Render<Quarterdeck.Web.Overview.NeedsAttention>(p => p.Add(x => x.Hosts, []).Add(x => x.Plugins, []).Add(x => x.Operations, []).Add(x => x.Since, Noon)
            .Add(x => x.Workers, [Of("loops", WorkerTier.Cordon, "A turn took 112 ms of CPU."), Of("bombs", WorkerTier.Off, "It ended its process.")]));
        card.FindAll("a.qd-row-link").Select(a => (a.TextContent, a.GetAttribute("href"))).ShouldBe(
            [("Worker loops was set apart", "workers/loops?tab=settings"), ("Worker bombs is switched off", "workers/bombs?tab=settings")]);
        card.FindAll(".qd-why").Select(w => w.TextContent).ShouldBe(["A turn took 112 ms of CPU.", "It ended its process."]);

        static Worker Of(string name, WorkerTier tier, string reason) => new()
        {
            Id = Guid.NewGuid(), Serial = 1, Name = name, Trusted = true, Tier = tier, TierReason = reason, LatestVersion = 1, CreatedBy = "ada", CreatedAt = Noon, ChangedAt = Noon,
        };
    }

    [Fact]
    public void Only_limits_that_are_numbers_are_saved_and_sizes_are_typed_in_MiB()
    {
        WantedLimits? saved = null;
        var card = Render<LimitsCard>(p => p.Add(x => x.Limits, WorkerLimits.Usual).Add(x => x.Policy, WorkerPolicy.Usual).Add(x => x.Changes, true).Add(x => x.Save, limits => saved = limits));
        card.Find("button").HasAttribute("disabled").ShouldBeTrue();
        card.Find("input[aria-label='CPU per turn in ms']").Change("many");
        card.Find("button").Click();
        saved.ShouldBeNull();
        card.Markup.ShouldContain("Type a number.");
        card.Find("input[aria-label='CPU per turn in ms']").Change("250");
        card.Find("input[aria-label='Request body in MiB']").Change("1.5");
        card.Find("button").Click();
        (saved!.CpuMs, saved.RequestBytes, saved.MemoryMiB).ShouldBe((250, 3 << 19, 128));
    }

    [Fact]
    public void A_policy_is_saved_as_typed_told_what_is_wrong_beside_its_field_and_only_shown_to_who_may_not_change_it()
    {
        var odd = WorkerPolicy.Usual with { Ceilings = WorkerLimits.Most with { RequestBytes = 123_456_789 } };
        WorkerPolicy? saved = null;
        var card = Render<WorkerPolicyCard>(p => p.Add(x => x.Policy, odd).Add(x => x.Changes, true).Add(x => x.Save, policy => saved = policy));
        card.Find("input[aria-label='Default of CPU per turn in ms']").Change("soon");
        card.Find("button.primary").Click();
        saved.ShouldBeNull();
        card.Find("#wrong-defaults-cpuMs").TextContent.ShouldBe("Type a number.");
        card.Find("input[aria-label='Default of CPU per turn in ms']").Change("250");
        card.Find("input[aria-label='Ceiling of Code in MiB']").Change("1.5");
        card.Find("select").Change("operator");
        card.Find("button.primary").Click();
        saved.ShouldBe(odd with { Defaults = WorkerLimits.Usual with { CpuMs = 250 }, Ceilings = odd.Ceilings with { CodeBytes = 3 << 19 }, TrustedRole = Quarterdeck.Access.Role.Operator });

        card.Render(p => p.Add(x => x.Problem, Quarterdeck.Platform.Problem.Invalid("defaults.codeBytes", "It is more than the ceiling.", "Raise the ceiling.")));
        card.Find("#wrong-defaults-codeBytes").TextContent.ShouldBe("It is more than the ceiling. Raise the ceiling.");
        card.Find("input[aria-describedby='wrong-defaults-codeBytes']").GetAttribute("aria-invalid").ShouldBe("true");

        card.FindAll("button").First(b => b.TextContent == "Usual values").Click();
        card.Find("button.primary").Click();
        saved.ShouldBe(WorkerPolicy.Usual);

        card.Render(p => p.Add(x => x.Changes, false));
        card.FindAll("input, select, button").Count.ShouldBe(0);
        card.Markup.ShouldContain("Administrators deploy into shared processes.");
    }

    [Fact]
    public void Bindings_keep_their_shape_and_secrets_their_silence()
    {
        static WorkerBinding Of(string name, BindingKind kind, string json) => new(name, kind, JsonDocument.Parse(json).RootElement);
        BindingDraft.Kept(Of("A", BindingKind.Plain, "\"x\"")).GetRawText().ShouldBe("""{"type":"plain","value":"x"}""");
        BindingDraft.Kept(Of("B", BindingKind.Secret, "null")).GetRawText().ShouldBe("""{"type":"secret"}""");
        BindingDraft.Kept(Of("C", BindingKind.Kv, """{"namespace":"n"}""")).GetRawText().ShouldBe("""{"namespace":"n","type":"kv"}""");
        BindingDraft.Kept(Of("D", BindingKind.Json, "[1]")).GetRawText().ShouldBe("""{"type":"json","value":[1]}""");
        BindingDraft.Of(Of("B", BindingKind.Secret, "null")).Value.ShouldBe("");
        new BindingDraft { Name = "E", Kind = BindingKind.Json, Value = "{" }.TryRead(out _, out var problem).ShouldBeFalse();
        problem!.Errors.ShouldHaveSingleItem().Field.ShouldBe("value");
    }

    [Fact]
    public void A_draft_survives_only_on_the_version_that_it_began_from()
    {
        var draft = CodeDraft.Of(Starters.All[0]);
        draft.Files[0].Text = "changed";
        var json = draft.ToJson();
        var again = CodeDraft.Of(Starters.All[0]);
        again.Take(json).ShouldBeTrue();
        (again.Files[0].Text, again.Changed).ShouldBe(("changed", true));
        again.Take("{").ShouldBeFalse();
        again.Take(json.Replace("\"From\":null", "\"From\":4")).ShouldBeFalse();
        draft.WrongName("../a.js").ShouldNotBeNull();
        draft.WrongName("index.js").ShouldNotBeNull();
        draft.WrongName("lib/a.js").ShouldBeNull();
    }
}
