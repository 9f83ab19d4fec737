using Microsoft.Extensions.Options;

namespace Quarterdeck.Restores.Run;

/// <summary>How much memory one restore may hold chunks in.</summary>
internal sealed class RestoreMemory(IOptions<RestoresOptions> options)
{
    /// <summary>Bytes.</summary>
    public long Bytes { get; } = (long)options.Value.MemoryMiB << 20;
}
