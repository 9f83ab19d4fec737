using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Quarterdeck.Metrics;

/// <summary>The process under the names that every Prometheus dashboard knows.</summary>
internal sealed class ProcessMeter : IDisposable
{
    private readonly Meter _meter = new("Quarterdeck.Process");

    public ProcessMeter()
    {
        var start = new DateTimeOffset(Process.GetCurrentProcess().StartTime).ToUnixTimeMilliseconds() / 1000.0;
        _meter.CreateObservableGauge("process.start_time", () => start, "s", "Start of the process since 1970.");
        _meter.CreateObservableCounter("process.cpu", () => Environment.CpuUsage.TotalTime.TotalSeconds, "s", "Processor time used.");
        _meter.CreateObservableGauge("process.resident_memory", () => Environment.WorkingSet, "By", "Resident memory.");
        _meter.CreateObservableGauge("process.open_fds", () => Directory.EnumerateFiles("/proc/self/fd").Count(), description: "Open file descriptors.");
        var version = typeof(ProcessMeter).Assembly.GetName().Version?.ToString(3) ?? "";
        _meter.CreateObservableGauge("quarterdeck.build_info", () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", version)), description: "The console's version.");
    }

    public void Dispose() => _meter.Dispose();
}
