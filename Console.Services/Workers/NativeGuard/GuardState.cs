namespace Quarterdeck.Workers.NativeGuard;

/// <summary>Whether the guard can work in a workerd binary, and how to start the process with it.</summary>
/// <param name="LibraryPath">The library to preload; null when the guard is off.</param>
/// <param name="Reason">Why it is off, for people, with the remedy; null when it is not.</param>
/// <param name="Binary">What was checked; the guard compares it with the process that it finds itself in.</param>
internal sealed record GuardState(string? LibraryPath, string? Reason, GuardedBinary? Binary)
{
    /// <summary>Whether processes of this binary are started with the guard. A guard that then finds something else in the process says so in <see cref="GuardView.IsActive"/>.</summary>
    public bool IsActive => LibraryPath is not null;

    /// <summary>What the process needs in its environment; empty when the guard is off.</summary>
    /// <param name="file">The file that <see cref="GuardView.Create"/> made for this start, as the process sees it.</param>
    /// <param name="library">The library as the process sees it, where that is not <see cref="LibraryPath"/>.</param>
    public IReadOnlyDictionary<string, string> Environment(string file, string? library = null) => LibraryPath is null
        ? new Dictionary<string, string>()
        : new Dictionary<string, string> { ["LD_PRELOAD"] = library ?? LibraryPath, ["QUARTERDECK_GUARD_FILE"] = file };
}

/// <summary>A workerd binary whose digest is on the list.</summary>
/// <param name="Version">The npm version.</param>
/// <param name="Identity">The file that was read: another file under the same name is another binary.</param>
/// <param name="Symbols">Offsets of <see cref="GuardSymbols.Names"/>, in that order.</param>
internal sealed record GuardedBinary(string Version, FileIdentity Identity, IReadOnlyList<ulong> Symbols);
