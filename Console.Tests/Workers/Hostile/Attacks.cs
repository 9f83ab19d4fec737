using System.Reflection;

namespace Quarterdeck.Tests.Workers.Hostile;

/// <summary>How an attack ends when the guard is on.</summary>
public enum AttackEnd
{
    /// <summary>The turn is ended, the process lives on, and the worker is blamed.</summary>
    TurnEnded,
    /// <summary>Native code that ends in time or not, as fast as the machine is: the turn is ended or the process, and the worker is blamed.</summary>
    EitherEnded,
    /// <summary>Only the end of the process ends it; the worker is blamed for that.</summary>
    ProcessEnded,
    /// <summary>It is no attack on the process: an error or an unfinished answer for the attacker alone, and no blame.</summary>
    Harmless,
}

/// <summary>A worker that does harm. Its source is in Corpus/, under its name.</summary>
/// <param name="Name">File name without extension.</param>
/// <param name="End">How it ends with the guard.</param>
public sealed record Attack(string Name, AttackEnd End)
{
    /// <summary>A module for the attacks that need one: <c>loop.wasm</c>, an endless loop exported as <c>f</c>.</summary>
    public static byte[] WasmLoop { get; } = Convert.FromHexString("0061736D01000000010401600000030201000705010166" + "00000A0901070003400C000B0B");

    /// <summary>The worker's main module.</summary>
    public string Source => Read(Name);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Attack> All { get; } =
    [
        new("loop-sync", AttackEnd.TurnEnded), new("loop-microtask", AttackEnd.TurnEnded), new("loop-async", AttackEnd.TurnEnded), new("loop-caught", AttackEnd.TurnEnded),
        new("wasm-loop", AttackEnd.TurnEnded), new("redos", AttackEnd.TurnEnded), new("false-name", AttackEnd.TurnEnded), new("startup-loop", AttackEnd.TurnEnded), new("startup-bomb", AttackEnd.TurnEnded),
        new("json-60mb", AttackEnd.EitherEnded), new("heap-bomb", AttackEnd.TurnEnded), new("heap-bomb-async", AttackEnd.TurnEnded), new("buffer-bomb", AttackEnd.TurnEnded),
        new("buffer-bomb-async", AttackEnd.TurnEnded), new("slices", AttackEnd.TurnEnded),
        new("regex-replace", AttackEnd.ProcessEnded), new("key-derivation", AttackEnd.ProcessEnded), new("heap-bomb-string", AttackEnd.ProcessEnded),
        new("recursion", AttackEnd.Harmless), new("unresolved", AttackEnd.Harmless), new("sleeper", AttackEnd.Harmless), new("endless-response", AttackEnd.Harmless),
        new("ten-thousand-fetches", AttackEnd.Harmless), new("wrong-syntax", AttackEnd.Harmless), new("process-end", AttackEnd.Harmless),
    ];

    private static string Read(string name)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream($"hostile/{name}.js")!);
        return reader.ReadToEnd();
    }
}
