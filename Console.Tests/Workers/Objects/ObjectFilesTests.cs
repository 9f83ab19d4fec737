using Quarterdeck.Workers.Objects;

namespace Quarterdeck.Tests.Workers.Objects;

/// <summary>Files of objects whose worker the database does not know.</summary>
public sealed class ObjectFilesTests
{
    [Fact]
    public void What_is_put_aside_stays_a_week_and_nothing_else_is_deleted()
    {
        var root = Directory.CreateTempSubdirectory("qd-objects-").FullName;
        try
        {
            var (now, folder) = (DateTimeOffset.UtcNow, Path.Combine(root, "17"));
            Directory.CreateDirectory(folder);
            Directory.CreateDirectory(Path.Combine(root, "18"));
            File.WriteAllText(Path.Combine(folder, "state"), "precious");
            ObjectFiles.PutAside(folder, now);
            ObjectFiles.DeleteOld(root, now + ObjectFiles.Kept - TimeSpan.FromMinutes(1));
            File.ReadAllText(Path.Combine(Directory.GetDirectories(root, "removed-17-*").ShouldHaveSingleItem(), "state")).ShouldBe("precious");
            ObjectFiles.DeleteOld(root, now + ObjectFiles.Kept + TimeSpan.FromMinutes(1));
            Directory.GetDirectories(root).ShouldBe([Path.Combine(root, "18")]);
        }
        finally { Directory.Delete(root, recursive: true); }
    }
}
