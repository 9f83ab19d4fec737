using System.Text;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Tests.Workers.Runtime;

/// <summary>What a version's code tells of what it needs.</summary>
public sealed class CodePackageTests
{
    [Theory]
    [InlineData("export default { fetch: r => new Response(r.cf.country) }", true)]
    [InlineData("const{cf:e}=t;", true)]
    [InlineData("r['cf']", true)]
    [InlineData("cf", true)]
    [InlineData("const cfg = 1, dcf = 2, $cf = 3, cf2 = 4, _cf_ = 5, \u00e9cf = 6;", false)]
    [InlineData("const cfg = 1; r?.cf", true)]
    [InlineData("export default { fetch: () => new Response('hello') }", false)]
    [InlineData("", false)]
    public void Facts_of_visitors_are_for_code_that_names_them(string code, bool reads) => CodePackage.Of(Code(code)).ReadsFacts.ShouldBe(reads);

    [Theory, InlineData(BindingKind.Service, true), InlineData(BindingKind.Plain, false)]
    public void And_for_code_that_may_pass_a_request_on(BindingKind kind, bool reads) =>
        CodePackage.Of(Code("export default {}") with { Bindings = [new WorkerBinding("NEXT", kind, System.Text.Json.JsonSerializer.SerializeToElement(new { worker = "next" }))] }).ReadsFacts.ShouldBe(reads);

    private static WorkerCode Code(string code) => ComputeNode.Code(new WorkerKey(1, 1), code);
}
