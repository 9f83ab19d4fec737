using Quarterdeck.Platform;

namespace Quarterdeck.Hosts;

/// <summary>A hypervisor did not do what it was asked; carries a problem for people.</summary>
/// <param name="error">Why.</param>
/// <param name="what">What was asked, such as <c>start the domain</c>.</param>
/// <param name="message">The hypervisor's own words.</param>
/// <param name="inner">What was thrown below.</param>
public sealed class HypervisorException(HypervisorError error, string what, string message, Exception? inner = null)
    : ProblemException(AsProblem(error, what, message), inner)
{
    /// <summary>Why.</summary>
    public HypervisorError Error => error;

    private static Problem AsProblem(HypervisorError error, string what, string message) => error switch
    {
        HypervisorError.NotFound => new Problem(ProblemKind.NotFound, "The hypervisor has no such object", $"Could not {what}: {message}", []),
        HypervisorError.Exists => Problem.Conflict("The name is taken on the host", $"Could not {what}: {message} Choose another name."),
        HypervisorError.WrongState => Problem.Conflict("The VM's state forbids it", $"Could not {what}: {message}"),
        HypervisorError.Invalid => new Problem(ProblemKind.Invalid, "The hypervisor refuses the description", $"Could not {what}: {message}", []),
        HypervisorError.NoSpace => Problem.Conflict("No room on the host", $"Could not {what}: {message} Free some room in the storage pool, or choose another pool."),
        HypervisorError.Unsupported => Problem.Conflict("The hypervisor cannot do this", $"Could not {what}: {message}"),
        HypervisorError.TimedOut => Problem.Unavailable("The hypervisor does not answer", $"Could not {what}: {message} Try again when the host is connected."),
        HypervisorError.Disconnected => Problem.Unavailable("The host is disconnected", $"Could not {what}: {message} The console reconnects by itself; try again then."),
        HypervisorError.Denied => Problem.Conflict("The hypervisor refuses", $"Could not {what}: {message}"),
        _ => Problem.Conflict("The hypervisor reports an error", $"Could not {what}: {message}"),
    };
}
