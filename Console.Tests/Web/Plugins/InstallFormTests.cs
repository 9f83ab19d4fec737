using Microsoft.AspNetCore.DataProtection;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Secrets;
using Quarterdeck.Web.Plugins;

namespace Quarterdeck.Tests.Web.Plugins;

/// <summary>The answers of the install wizard.</summary>
public sealed class InstallFormTests
{
    private static readonly OvaInspection Package = new(
        new OvaProduct("Edge/Router", "Acme", "1", ""), [], [new OvaNetwork("Inside", ""), new OvaNetwork("Outside", "")],
        [new OvaProperty("host", "string", "edge", true, false, "Host", "", "", null, null, []), new OvaProperty("secret", "string", null, true, true, "Secret", "", "", 8, null, []), new OvaProperty("fixed", "string", "x", false, false, "", "", "", null, null, [])],
        [new OvaOption("small", "Small", "", false), new OvaOption("large", "Large", "", true)], ["Read me."], 1, 128, new OvaSignature(SignatureState.None, null), true, []);

    [Fact]
    public void Everything_a_package_asks_must_be_answered_before_the_upload()
    {
        var form = new InstallForm();
        form.Begin(Package, "edge.ova");
        form.Name.ShouldBe("Edge-Router");
        form.Option.ShouldBe("large");
        var problem = form.Read(Package).Problem!;
        problem.Errors.Select(e => e.Field).ShouldBe(["hostId", "acceptEula", "allowUnsigned", "networks.Inside", "networks.Outside"]);
        problem.Errors.ShouldAllBe(e => form.Shows(e.Field));
    }

    [Fact]
    public void The_answers_become_the_specification()
    {
        var form = new InstallForm();
        form.Begin(Package, "edge.ova");
        (form.HostId, form.AcceptEula, form.AllowUnsigned) = (Guid.Empty.ToString(), true, true);
        form.Suggest("default");
        form.Networks["Outside"] = " user ";
        form.Properties["secret"] = "12345678";
        var spec = form.Read(Package).Value;
        spec.Networks.ShouldBe(new Dictionary<string, string> { ["Inside"] = "default", ["Outside"] = "user" });
        spec.Properties.ShouldBe(new Dictionary<string, string> { ["host"] = "edge", ["secret"] = "12345678" });
        (spec.Name, spec.DeploymentOption, spec.AcceptEula, spec.AllowUnsigned, spec.Plugin).ShouldBe(("Edge-Router", "large", true, true, null));
    }

    [Fact]
    public void Values_follow_the_size_until_they_are_changed_by_hand()
    {
        var package = Package with { Properties = [Sized("workers"), Sized("threads")] };
        var form = new InstallForm();
        form.Begin(package, "edge.ova");
        form.Properties["workers"].ShouldBe("9");
        form.Properties["threads"] = "5";

        form.Choose(package, "small");

        (form.Option, form.Properties["workers"], form.Properties["threads"]).ShouldBe(("small", "1", "5"));
    }

    [Fact]
    public void Answers_that_were_kept_come_back_for_their_own_reader_alone()
    {
        var form = new InstallForm();
        form.Begin(Package, "edge.ova");
        (form.Name, form.Properties["secret"], form.AcceptEula) = ("mine", "12345678", true);
        form.Approve("vms.read", true);
        var (box, ann) = (new SecretBox(new EphemeralDataProtectionProvider()), new Caller(CallerKind.User, Guid.NewGuid(), "ann", Role.Administrator));
        var text = form.Keep("edge").Seal(ann, box);
        text.ShouldNotContain("12345678");

        InstallDraft.Open(text, ann with { Id = Guid.NewGuid() }, box).ShouldBeNull();
        InstallDraft.Open("nonsense", ann, box).ShouldBeNull();
        var again = new InstallForm();
        again.Begin(Package, "edge.ova");
        again.Restore(InstallDraft.Open(text, ann, box)!, Package);

        (again.Name, again.Properties["secret"], again.AcceptEula, again.Approved.Single()).ShouldBe(("mine", "12345678", true, "vms.read"));
    }

    private static OvaProperty Sized(string key) => new(key, "uint8", "9", true, false, key, "", "", null, null, []) { DefaultByOption = new Dictionary<string, string> { ["small"] = "1", ["large"] = "9" } };
}
