using Quarterdeck.Appliances;
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
}
