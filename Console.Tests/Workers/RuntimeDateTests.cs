using System.Text.Json;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Tests.Workers;

public sealed class RuntimeDateTests
{
    [Fact]
    public void The_newest_compatibility_date_is_that_of_the_runtime_that_the_build_pins()
    {
        using var package = JsonDocument.Parse(File.ReadAllText(Path.Combine(TestConsole.RepositoryRoot, "build", "workerd", "package.json")));
        var day = package.RootElement.GetProperty("optionalDependencies").GetProperty("@cloudflare/workerd-linux-64").GetString()!.Split('.')[1];
        Compatibility.Latest.ShouldBe($"{day[..4]}-{day[4..6]}-{day[6..]}");
    }
}
