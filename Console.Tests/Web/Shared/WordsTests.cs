using Quarterdeck.Tests.Support;
using Quarterdeck.Web.Shared;

namespace Quarterdeck.Tests.Web.Shared;

public sealed class WordsTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1 KiB")]
    [InlineData(1_932_735_283, "1.8 GiB")]
    [InlineData(1_073_741_823, "1 GiB")]
    [InlineData(2L << 40, "2 TiB")]
    [InlineData(-1536, "-1.5 KiB")]
    [InlineData(long.MaxValue, "8 EiB")]
    public void Bytes_are_in_binary_units(long bytes, string words) => Words.Bytes(bytes).ShouldBe(words);

    [Fact]
    public void Progress_in_bytes_uses_the_total_s_unit() => Words.BytesOf(1_181_116_006, 1_932_735_283).ShouldBe("1.1 of 1.8 GiB");

    [Theory]
    [InlineData(2, "just now")]
    [InlineData(14, "14 s ago")]
    [InlineData(185, "3 min ago")]
    [InlineData(7300, "2 h ago")]
    [InlineData(86400 * 5, "5 d ago")]
    [InlineData(86400 * 40, "2026-01-20")]
    [InlineData(-7300, "in 2 h")]
    public void Times_are_relative_until_a_month(long seconds, string words)
    {
        var now = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
        Words.Ago(now.AddSeconds(-seconds), now).ShouldBe(words);
    }

    [Theory]
    [InlineData(0.42, "0.4 s")]
    [InlineData(14, "14 s")]
    [InlineData(185, "3 min 05 s")]
    [InlineData(7800, "2 h 10 min")]
    [InlineData(86400 * 3 + 4 * 3600, "3 d 4 h")]
    public void Durations_read_at_a_glance(double seconds, string words) => Words.Duration(TimeSpan.FromSeconds(seconds)).ShouldBe(words);

    [Fact]
    public void Every_state_of_every_room_has_a_meaning()
    {
        Type[] states = [typeof(Quarterdeck.Operations.OperationState), typeof(Quarterdeck.Hosts.HostState), typeof(Quarterdeck.Hosts.VmState), typeof(Quarterdeck.Plugins.PluginState)];
        foreach (var word in states.SelectMany(Enum.GetNames))
            Meanings.Of(word).ShouldNotBe(Meaning.Unknown, word);
    }

    [Fact]
    public void Every_icon_that_a_page_names_exists()
    {
        var pages = Directory.EnumerateFiles(Path.Combine(TestConsole.RepositoryRoot, "Console.Web"), "*.razor", SearchOption.AllDirectories);
        var named = pages.SelectMany(f => System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(f), "Icon(?: Name)?=\"([a-z-]+)\"").Select(m => (File: Path.GetFileName(f), Name: m.Groups[1].Value))).ToArray();
        named.Length.ShouldBeGreaterThan(10);
        named.Where(n => !Icons.Names.Contains(n.Name)).ShouldBeEmpty();
    }
}
