namespace Quarterdeck.Verification.Trial;

/// <summary>The signs of life of a guest under proof.</summary>
internal interface ITrialGuest
{
    /// <summary>Whether it still runs.</summary>
    Task<bool> RunsAsync(CancellationToken cancellation);

    /// <summary>Whether its agent answers.</summary>
    Task<bool> AgentAnswersAsync(CancellationToken cancellation);

    /// <summary>All that it wrote to its serial port so far, its last 64 KiB.</summary>
    Task<string> SerialAsync(CancellationToken cancellation);

    /// <summary>The loopback ports that lead to the guest's, by guest port; empty for a VM without a network card.</summary>
    Task<IReadOnlyDictionary<int, int>> PortsAsync(CancellationToken cancellation);

    /// <summary>A picture of its screen, PNG; null when there is none.</summary>
    Task<byte[]?> ScreenAsync(CancellationToken cancellation);
}
