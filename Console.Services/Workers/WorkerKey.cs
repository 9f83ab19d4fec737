using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Quarterdeck.Workers;

/// <summary>One version of one worker, everywhere in the data plane: <c>serial@version</c>. Never given twice, so whatever is kept under it never goes stale.</summary>
/// <param name="Serial">The worker's automatic number; never reused, also after the worker was deleted.</param>
/// <param name="Version">Counts from 1 in each worker.</param>
public readonly record struct WorkerKey(long Serial, int Version)
{
    /// <summary>Reads what <see cref="ToString"/> wrote; digits only, no signs or spaces.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out WorkerKey key)
    {
        key = default;
        if (text is null || text.IndexOf('@') is not (> 0 and var at)) return false;
        if (!long.TryParse(text.AsSpan(0, at), NumberStyles.None, CultureInfo.InvariantCulture, out var serial) ||
            !int.TryParse(text.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var version)) return false;
        key = new WorkerKey(serial, version);
        return true;
    }

    /// <summary><c>serial@version</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Serial}@{Version}");
}
