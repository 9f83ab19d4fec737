using Quarterdeck.Workers.Figures;

namespace Quarterdeck.Tests.Workers.Figures;

public sealed class BucketsTests
{
    [Fact]
    public void Every_duration_falls_into_a_bucket_whose_top_is_at_most_a_quarter_above_it()
    {
        for (var micros = 0L; micros < 8_000_000_000; micros = (micros * 21 / 20) + 1)
        {
            var bucket = Buckets.Of(micros);
            bucket.ShouldBeInRange(0, Buckets.Count - 1);
            Buckets.Top(bucket).ShouldBeGreaterThanOrEqualTo(micros);
            ((double)Buckets.Top(bucket)).ShouldBeLessThanOrEqualTo((micros * 1.25) + 1);
        }
        Buckets.Of(long.MaxValue).ShouldBe(Buckets.Count - 1);
        Buckets.Of(-5).ShouldBe(0);
    }

    [Fact]
    public void Buckets_follow_one_another_without_a_gap()
    {
        for (var bucket = 1; bucket < Buckets.Count; bucket++) Buckets.Of(Buckets.Top(bucket - 1) + 1).ShouldBe(bucket);
    }

    [Fact]
    public void Percentiles_are_never_below_the_true_ones()
    {
        var random = new Random(7);
        var values = Enumerable.Range(0, 5000).Select(_ => (long)Math.Exp(random.NextDouble() * 15)).Order().ToArray();
        var counts = new int[Buckets.Count];
        foreach (var value in values) counts[Buckets.Of(value)]++;
        foreach (var share in (double[])[0.01, 0.5, 0.9, 0.99, 1])
        {
            var real = values[Math.Max(0, (int)Math.Ceiling(values.Length * share) - 1)];
            Buckets.Percentile(counts, share)!.Value.ShouldBeInRange(real, (real * 5 / 4) + 1);
        }
        Buckets.Percentile(new int[Buckets.Count], 0.5).ShouldBeNull();
    }

    [Fact]
    public void What_is_packed_comes_back_and_adds_up()
    {
        var counts = new int[Buckets.Count];
        (counts[0], counts[17], counts[127]) = (1, 70_000, 3);
        var sum = new int[Buckets.Count];
        Buckets.AddPacked(Buckets.Pack(counts), sum);
        Buckets.AddPacked(Buckets.Pack(counts), sum);
        sum.ShouldBe([.. counts.Select(c => c * 2)]);
        Buckets.Pack(new int[Buckets.Count]).ShouldBeEmpty();
    }
}
