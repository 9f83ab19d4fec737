using Bunit;
using Quarterdeck.Appliances;
using Quarterdeck.Platform;
using Quarterdeck.Web.Plugins;

namespace Quarterdeck.Tests.Web.Plugins;

/// <summary>The fields and choices of the install form.</summary>
public sealed class InstallPartsTests : BunitContext
{
    private static OvaProperty Property(string type, params string[] values) => new("net.value", type, null, true, false, "Value", "What it is for", "", null, null, values);

    private IRenderedComponent<PropertyField> Field(OvaProperty property, Problem? problem = null, Action<string?>? changed = null) =>
        Render<PropertyField>(p => p.Add(x => x.Property, property).Add(x => x.Value, "7").Add(x => x.Problem, problem).Add(x => x.ValueChanged, v => changed?.Invoke(v)));

    [Fact]
    public void A_whole_number_has_its_range_in_words_and_a_keyboard_of_digits()
    {
        var field = Field(Property("uint16") with { MinValue = "1", MaxValue = "4094" });
        field.Find("input").GetAttribute("inputmode").ShouldBe("numeric");
        field.Find(".hint").TextContent.ShouldBe("What it is for. A whole number from 1 to 4094.");
        field.Find("label").GetAttribute("for").ShouldBe(field.Find("input").Id);
    }

    [Fact]
    public void A_refusal_stands_at_its_field_and_is_what_describes_it()
    {
        var field = Field(Property("string") with { Format = "ip" }, Problem.Invalid("properties.net.value", "'7' is not an IP address.", "Give one such as 192.0.2.10."));
        var input = field.Find("input");
        input.GetAttribute("aria-invalid").ShouldBe("true");
        input.GetAttribute("aria-describedby")!.Split(' ').ShouldContain(field.Find(".error").Id);
        field.Find(".error").TextContent.ShouldBe("'7' is not an IP address. Give one such as 192.0.2.10.");
    }

    [Fact]
    public void A_choice_of_values_is_a_list_and_one_that_is_none_of_them_is_not_hidden()
    {
        var options = Field(Property("string", "dhcp", "static")).FindAll("option");
        options.Select(o => o.TextContent).ShouldBe(["Choose…", "dhcp", "static"]);
    }

    [Fact]
    public void A_password_is_shown_on_request_instead_of_typed_twice()
    {
        var field = Field(Property("string") with { Password = true });
        field.FindAll("input").Count.ShouldBe(1);
        field.Find("input").GetAttribute("type").ShouldBe("password");
        field.Find("button").Click();
        field.Find("input").GetAttribute("type").ShouldBe("text");
    }

    [Fact]
    public void A_yes_or_no_is_a_box_whose_words_are_true_and_false()
    {
        string? told = null;
        Field(Property("boolean"), changed: v => told = v).Find("input[type=checkbox]").Change(true);
        told.ShouldBe("true");
    }

    [Fact]
    public void A_long_text_has_room() => Field(Property("string") with { MaxLength = 2000 }).FindAll("textarea").Count.ShouldBe(1);

    [Fact]
    public void Permissions_are_in_plain_words_ticked_one_by_one_and_unknown_ones_cannot_be()
    {
        (string Key, bool On) told = default;
        var list = Render<CapabilityList>(p => p
            .Add(x => x.Asked, [new OvaCapability("vms.read", "See virtual machines", "viewer"), new OvaCapability("users.manage", "Create users", "administrator"), new OvaCapability("moon.land", null, null)])
            .Add(x => x.Approved, new HashSet<string>()).Add(x => x.Mine, key => key != "users.manage").Add(x => x.Toggled, t => told = t));
        var boxes = list.FindAll("input[type=checkbox]");
        boxes.Count.ShouldBe(1);
        boxes[0].HasAttribute("checked").ShouldBeFalse();
        boxes[0].Change(true);
        told.ShouldBe(("vms.read", true));
        list.FindAll("li")[1].TextContent.ShouldContain("you cannot grant it");
        list.FindAll("li")[2].TextContent.ShouldContain("never granted");
    }

    [Fact]
    public void A_summary_leads_to_each_wrong_answer_and_tells_what_belongs_to_none()
    {
        string? gone = null;
        var summary = Render<InstallProblem>(p => p
            .Add(x => x.Problem, Problem.Invalid([new FieldError("name", "It is taken.", "Choose another."), new FieldError("file", "It is damaged.", "Ask for another.")]))
            .Add(x => x.Shows, field => field == "name").Add(x => x.Label, _ => "Name of the VM").Add(x => x.Go, field => gone = field));
        summary.FindAll(".qd-notice").Count.ShouldBe(2);
        summary.Find("button.qd-link").Click();
        gone.ShouldBe("name");
        summary.Find(".qd-notice").TextContent.ShouldContain("It is damaged.");
    }
}
