using FsCheck;
using FsCheck.Fluent;
using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Tests.Workers;

/// <summary>A diff must lead from one text to the other, whatever the texts.</summary>
public sealed class LineDiffTests
{
    [Fact]
    public void Applying_a_diff_makes_the_second_text_of_the_first() => Prop.ForAll(
        Gen.Elements("a", "b", "c", "").ListOf().Two().ToArbitrary(), pair =>
        {
            var (from, to) = (pair.Item1.ToArray(), pair.Item2.ToArray());
            var lines = LineDiff.Of(string.Join('\n', from) + "\n", string.Join('\n', to) + "\n");
            var (at, made) = (0, new List<string>());
            var old = Normal(from);
            foreach (var line in lines)
            {
                switch (line.Mark)
                {
                    case '@':
                        var count = int.Parse(line.Text.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
                        made.AddRange(old[at..(at + count)]);
                        at += count;
                        break;
                    case ' ': old[at++].ShouldBe(line.Text); made.Add(line.Text); break;
                    case '-': old[at++].ShouldBe(line.Text); break;
                    case '+': made.Add(line.Text); break;
                    default: throw new InvalidOperationException($"'{line.Mark}'");
                }
            }
            at.ShouldBe(old.Length);
            made.ShouldBe(Normal(to));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_change_comes_with_three_lines_around_it()
    {
        var from = string.Join('\n', Enumerable.Range(0, 20));
        var lines = LineDiff.Of(from, from.Replace("\n10\n", "\nten\n", StringComparison.Ordinal));
        lines.Select(l => $"{l.Mark}{l.Text}").ShouldBe(["@7 unchanged lines", " 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13", "@6 unchanged lines"]);
    }

    // As the diff splits: empty lines at the end don't count.
    private static string[] Normal(string[] lines)
    {
        var text = string.Join('\n', lines).TrimEnd('\n');
        return text.Length == 0 ? [] : text.Split('\n');
    }
}
