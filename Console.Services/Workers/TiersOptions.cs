using Microsoft.Extensions.Options;

namespace Quarterdeck.Workers;

/// <summary>Settings under <c>Quarterdeck:Workers:Tiers</c>: when a worker is set apart, and for how long. What weighs how much: docs/worker-limits.md.</summary>
public sealed class TiersOptions
{
    /// <summary>So many strikes move a worker from a shared shard into a cordon, 1 to 1000.</summary>
    public double CordonStrikes { get; set; } = 3;

    /// <summary>So many strikes in a cordon switch it off, 1 to 10,000.</summary>
    public double OffStrikes { get; set; } = 12;

    /// <summary>Old strikes count half after so many minutes, 1 to 10,080.</summary>
    public double HalfLifeMinutes { get; set; } = 10;

    /// <summary>A cordon lasts so many minutes without new reason; twice as long for each step of the last day, at most a day. 0.01 to 1440.</summary>
    public double CordonMinutes { get; set; } = 30;

    /// <summary>The same for a worker that is off; it then goes into a cordon.</summary>
    public double OffMinutes { get; set; } = 60;
}

/// <summary>Refuses settings that cannot work, when the console starts.</summary>
internal sealed class TiersOptionsValidator : IValidateOptions<TiersOptions>
{
    public ValidateOptionsResult Validate(string? name, TiersOptions options)
    {
        var errors = new List<string>();
        Check(nameof(options.CordonStrikes), options.CordonStrikes, 1, 1000, 3);
        Check(nameof(options.OffStrikes), options.OffStrikes, 1, 10_000, 12);
        Check(nameof(options.HalfLifeMinutes), options.HalfLifeMinutes, 1, 10_080, 10);
        Check(nameof(options.CordonMinutes), options.CordonMinutes, 0.01, 1440, 30);
        Check(nameof(options.OffMinutes), options.OffMinutes, 0.01, 1440, 60);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);

        void Check(string key, double value, double least, double most, double example)
        {
            if (!(value >= least && value <= most)) errors.Add($"Quarterdeck:Workers:Tiers:{key}: {value} is not between {least} and {most}. Example: Quarterdeck__Workers__Tiers__{key}={example}");
        }
    }
}
