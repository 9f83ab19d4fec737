using Quarterdeck.Platform;
using Quarterdeck.Tests.Appliances.Hostile;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

public sealed class BadPackageTests
{
    public static IEnumerable<object[]> Names => HostilePackage.All.Keys.Select(k => new object[] { k });

    [Theory, MemberData(nameof(Names))]
    public async Task A_bad_package_is_refused_with_file_and_reason_and_its_good_twin_is_taken(string name)
    {
        var package = HostilePackage.All[name];
        using var sink = new FolderSink();
        var refused = await Should.ThrowAsync<ProblemException>(() => FolderSink.ReadAsync(package.Bad(), sink));

        refused.Problem.Kind.ShouldBe(ProblemKind.Invalid);
        refused.Problem.Detail.ShouldMatch("^.+?: .*" + System.Text.RegularExpressions.Regex.Escape(package.Says));
        refused.Problem.Errors.Single().Remedy.ShouldNotBeNullOrEmpty();
        // No image got its header that was not read to its end.
        foreach (var image in Directory.GetFiles(sink.Folder, "*.qcow2")) if (!sink.Done.ContainsValue(image)) Head(image).ShouldBe(new byte[4]);

        using var other = new FolderSink();
        await FolderSink.ReadAsync(package.Good(), other);
        Head(other.Done["system"]).ShouldBe([0x51, 0x46, 0x49, 0xfb]);
    }

    [Fact]
    public void There_are_more_than_a_hundred_of_them() => HostilePackage.All.Count.ShouldBeGreaterThan(150);

    [Fact]
    public async Task An_option_that_is_not_there_is_refused_with_those_that_are()
    {
        using var sink = new FolderSink();
        var refused = await Should.ThrowAsync<ProblemException>(() => FolderSink.ReadAsync(new OvaBuilder().Build(), sink, "huge"));

        refused.Problem.Errors.Single().Field.ShouldBe("deploymentOption");
        refused.Problem.Errors.Single().Remedy.ShouldContain("small, large");
    }

    [Fact]
    public async Task Names_from_outside_are_shown_without_control_characters()
    {
        using var sink = new FolderSink();
        var refused = await Should.ThrowAsync<ProblemException>(() => FolderSink.ReadAsync(HostilePackage.First().File("a\u001b[31m\n" + new string('x', 90), []).Build(), sink));

        refused.Problem.Detail.ShouldNotContain("\u001b");
        refused.Problem.Detail.ShouldNotContain("\n");
    }

    private static byte[] Head(string image)
    {
        using var file = File.OpenRead(image);
        var head = new byte[4];
        file.ReadAtLeast(head, 4, throwOnEndOfStream: false);
        return head;
    }
}
