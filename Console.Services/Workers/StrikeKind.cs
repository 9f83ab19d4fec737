namespace Quarterdeck.Workers;

/// <summary>What a worker did that counts against it.</summary>
public enum StrikeKind
{
    /// <summary>A turn took more CPU than allowed and was ended.</summary>
    Cpu,
    /// <summary>Its start took more CPU than allowed and was ended.</summary>
    Startup,
    /// <summary>It used more than its share of a core.</summary>
    Rate,
    /// <summary>Its heap was full.</summary>
    Heap,
    /// <summary>Its memory outside the heap was full.</summary>
    Buffers,
    /// <summary>The watchdog ended a process that did not answer while its code ran.</summary>
    Stuck,
    /// <summary>A process ended on its own while its code ran, or because of its memory.</summary>
    Crash,
}
