using System.Globalization;
using Quarterdeck.Web.Shared;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>Workers in words.</summary>
internal static class WorkerWords
{
    /// <summary>The state of a worker as one word and what it means: where it runs, or that it does not.</summary>
    public static (string Word, Meaning Meaning) State(Worker worker) => worker switch
    {
        { Tier: WorkerTier.Off } => ("off", Meaning.Failed),
        { Deployment: null } => ("not deployed", Meaning.Off),
        { Tier: WorkerTier.Cordon, Trusted: false } => ("cordon", Meaning.Off),
        { Tier: WorkerTier.Cordon } => ("cordon", Meaning.Attention),
        _ => ("active", Meaning.Ok),
    };

    /// <summary>Which versions answer: <c>v3</c>, or <c>v3 90 % · v4 10 %</c>.</summary>
    public static string Split(WorkerDeployment? deployment) => deployment switch
    {
        null => "–",
        { Versions: [var only] } => $"v{only.Version}",
        _ => string.Join(" · ", deployment.Versions.OrderByDescending(v => v.Percent).Select(v => $"v{v.Version} {v.Percent} %")),
    };

    /// <summary>Microseconds as a person reads them.</summary>
    public static string Micros(long? micros) => micros switch
    {
        null => "–",
        < 1000 => $"{micros} µs",
        < 10_000 => (micros.Value / 1000.0).ToString("0.0", CultureInfo.InvariantCulture) + " ms",
        < 1_000_000 => $"{micros / 1000} ms",
        _ => (micros.Value / 1e6).ToString("0.0", CultureInfo.InvariantCulture) + " s",
    };

    /// <summary>Requests a second: <c>0</c>, <c>0.02</c>, <c>12</c>.</summary>
    public static string Rate(double perSecond) => perSecond switch
    {
        0 => "0",
        < 0.01 => "<0.01",
        < 10 => perSecond.ToString("0.##", CultureInfo.InvariantCulture),
        _ => Words.Number((long)Math.Round(perSecond)),
    };

    /// <summary>A share of errors: <c>0 %</c>, <c>0.4 %</c>, <c>12 %</c>.</summary>
    public static string Percent(double share) => (share * 100).ToString(share is 0 or >= 0.1 ? "0" : "0.#", CultureInfo.InvariantCulture) + " %";

    /// <summary>A limit that was hit.</summary>
    public static string Limit(WorkerLimitKind kind) => kind switch
    {
        WorkerLimitKind.Cpu => "CPU per turn",
        WorkerLimitKind.CpuRate => "CPU rate",
        WorkerLimitKind.Heap => "heap",
        WorkerLimitKind.Buffers => "array buffers",
        WorkerLimitKind.Wall => "wall time",
        WorkerLimitKind.Subrequests => "subrequests",
        WorkerLimitKind.ConcurrentSubrequests => "concurrent subrequests",
        WorkerLimitKind.RequestSize => "request size",
        WorkerLimitKind.ResponseSize => "response size",
        _ => "start-up",
    };

    /// <summary>What a binding stands for.</summary>
    public static string Binding(BindingKind kind) => kind switch
    {
        BindingKind.Plain => "text",
        BindingKind.Secret => "secret",
        BindingKind.Json => "JSON",
        BindingKind.Kv => "key-value store",
        BindingKind.Service => "worker",
        BindingKind.DurableObject => "durable object",
        BindingKind.Queue => "queue",
        BindingKind.Bucket => "bucket",
        BindingKind.Assets => "static assets",
        _ => "version metadata",
    };
}
