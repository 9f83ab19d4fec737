using Quarterdeck.Platform;
using Quarterdeck.Platform.Processes;

namespace Quarterdeck.Restores.Disks;

/// <summary>What restores need of qemu-img.</summary>
internal sealed class ImageTool(ProcessRunner runner)
{
    private const string Program = "/usr/bin/qemu-img";

    /// <summary>After a crash: gives back clusters that a writer had taken and not yet used. Raw images have none.</summary>
    /// <exception cref="ProblemException">The image itself is damaged.</exception>
    public async Task MendAsync(string path, string format, CancellationToken cancellation)
    {
        if (format != "qcow2") return;
        var outcome = await runner.RunAsync(new ProcessSpec(Program, ["check", "-q", "-r", "leaks", "-f", format, path]), cancellation);
        if (outcome.ExitCode is not (0 or 3))
            throw new ProblemException(Problem.Conflict("The disk's image is damaged", $"'{path}': {outcome.Error.Trim()} {outcome.Text.Trim()} Make a full restore, which writes a new image."));
    }
}
