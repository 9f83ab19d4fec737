using Quarterdeck.Workers.Runtime;

namespace Quarterdeck.Workers;

/// <summary>A request under way; dispose it once, when the response has ended.</summary>
public readonly struct RequestTicket : IDisposable
{
    private readonly InFlight _of;
    private readonly int _slot;

    internal RequestTicket(InFlight of, int slot) => (_of, _slot) = (of, slot);

    /// <summary>Its response began: the compute server is alive.</summary>
    internal void Answered() => _of?.Answered(_slot);

    /// <summary>The request has ended.</summary>
    public void Dispose() => _of?.End(_slot);
}
