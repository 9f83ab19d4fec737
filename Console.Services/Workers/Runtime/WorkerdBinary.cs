using Microsoft.Extensions.Options;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Finds the workerd binary: as set, beside a published console, or where the build restored it.</summary>
internal sealed class WorkerdBinary(IOptions<WorkersOptions> options)
{
    /// <summary>Its real path, links followed; null when there is none.</summary>
    public string? Path { get; } = Find(options.Value.Servers.Workerd);

    /// <summary>What to do when there is none.</summary>
    public string Missing => options.Value.Servers.Workerd is { } set
        ? $"There is no workerd at '{set}' (Quarterdeck:Workers:Servers:Workerd)."
        : "There is no workerd for this machine. Build the console where npm can restore it (build/workerd), or set Quarterdeck__Workers__Servers__Workerd to its path.";

    private static string? Find(string? set)
    {
        if (set is not null) return Real(set);
        if (Real(System.IO.Path.Combine(AppContext.BaseDirectory, "workerd")) is { } published) return published;
        var package = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture is System.Runtime.InteropServices.Architecture.Arm64 ? "workerd-linux-arm64" : "workerd-linux-64";
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = System.IO.Path.GetDirectoryName(folder))
            if (Real(System.IO.Path.Combine(folder, "build", "workerd", "node_modules", "@cloudflare", package, "bin", "workerd")) is { } restored) return restored;
        return null;
    }

    private static string? Real(string path) => File.Exists(path) ? new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? System.IO.Path.GetFullPath(path) : null;
}
