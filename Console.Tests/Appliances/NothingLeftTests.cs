using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Appliances.Hostile;

namespace Quarterdeck.Tests.Appliances;

public sealed class NothingLeftTests
{
    [Fact]
    public async Task Of_a_refused_package_nothing_is_left_anywhere()
    {
        await using var node = await DeployNode.StartAsync();
        var processes = Children();
        foreach (var package in HostilePackage.All.Values)
        {
            Guid? operation = null;
            var refused = await node.BeginAsync(package.Bad(), node.Spec("probe"), id => operation = id);

            refused.Problem.ShouldNotBeNull(package.Name);
            refused.Problem!.Kind.ShouldBe(ProblemKind.Invalid, package.Name);
            (await node.EndAsync(operation!.Value)).State.ShouldBe(OperationState.Failed, package.Name);
            (await node.LeftAsync()).ShouldBeEmpty(package.Name);
        }
        Children().Except(processes).Where(p => p.Contains("qemu-img")).ShouldBeEmpty();
    }

    /// <summary>Programs that this process started and that still run.</summary>
    private static string[] Children() =>
        [.. File.ReadAllText($"/proc/self/task/{Environment.ProcessId}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Name).Where(n => n.Length > 0)];

    private static string Name(string id)
    {
        try { return File.ReadAllText($"/proc/{id}/comm").Trim(); }
        catch (IOException) { return ""; }
    }
}
