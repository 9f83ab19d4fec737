using Quarterdeck.Restores;

namespace Quarterdeck.Web.Restores;

/// <summary>How restores are called on pages.</summary>
internal static class RestoreWords
{
    /// <summary>The modes to choose from.</summary>
    public static IReadOnlyList<(RestoreMode Mode, string Title, string Text)> Modes { get; } =
    [
        (RestoreMode.Incremental, "Only the difference", "Writes what differs into the VM's own disks. The present state is kept as a recovery point, so it can be undone."),
        (RestoreMode.Full, "All of it, over the same VM", "Writes new disks, which replace the present ones when they are whole. Also when the VM or its disks are gone."),
        (RestoreMode.New, "As a new VM", "Leaves the VM alone and makes another one beside it."),
        (RestoreMode.Instant, "At once, out of the repository", "Starts a VM within seconds and moves its data while it is used: the VM itself when it is gone, else another one."),
    ];

    /// <summary>What will happen, for the question before it does.</summary>
    public static string Consequence(RestorePlan plan) => plan switch
    {
        { Mode: RestoreMode.Incremental, WillStop: true } => $"{plan.VmName} is shut down. What is on its disks now is kept as a recovery point, with which this can be undone.",
        { Mode: RestoreMode.Incremental } => "What is on its disks now is kept as a recovery point, with which this can be undone.",
        { WillStop: true } => $"{plan.VmName} is shut down. What is on its disks now is lost.",
        _ => "What is on its disks now is lost.",
    };
}
