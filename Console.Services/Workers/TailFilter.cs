namespace Quarterdeck.Workers;

/// <summary>Which runs a watcher wants to see; what is null is not asked for.</summary>
/// <param name="Version">Only this version.</param>
/// <param name="Failed">Only failed ones (true) or only good ones (false).</param>
/// <param name="Level">Only runs with a line of at least this level, or an exception.</param>
/// <param name="Method">Only this request method.</param>
/// <param name="Status">Only this status, or with one digit its class: <c>5</c> is every 5xx.</param>
/// <param name="Search">Only with this text in URL, lines or exceptions, whatever the case.</param>
public sealed record TailFilter(int? Version = null, bool? Failed = null, TailLevel? Level = null, string? Method = null, int? Status = null, string? Search = null)
{
    /// <summary>Everything.</summary>
    public static TailFilter All { get; } = new();

    /// <summary>Whether this run is wanted.</summary>
    public bool Matches(TailEvent run) =>
        (Version is null || run.Version == Version)
        && (Failed is null || run.Failed == Failed)
        && (Level is null || run.Exceptions.Count > 0 || run.Lines.Any(line => line.Level >= Level))
        && (Method is null || string.Equals(run.Method, Method, StringComparison.OrdinalIgnoreCase))
        && (Status is null || run.Status == Status || (Status < 10 && run.Status / 100 == Status))
        && (string.IsNullOrEmpty(Search) || Has(run.Url) || run.Lines.Any(line => Has(line.Text)) || run.Exceptions.Any(e => Has(e.Message) || Has(e.Name)));

    private bool Has(string? text) => text?.Contains(Search!, StringComparison.OrdinalIgnoreCase) is true;
}
