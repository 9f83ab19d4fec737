namespace Quarterdeck.Platform.Processes;

/// <summary>A program to run, without a shell.</summary>
/// <param name="Program">Absolute path of the program.</param>
/// <param name="Arguments">Passed as they are, one by one. Never a secret: every user of the machine can read them; use <see cref="Input"/> or <see cref="Environment"/>.</param>
public sealed record ProcessSpec(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>The whole environment of the program; nothing of the console's own is passed on.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Absolute path of the folder it starts in.</summary>
    public string WorkingDirectory { get; init; } = "/";

    /// <summary>Writes its standard input, which is closed afterwards; null for none.</summary>
    public Func<Stream, CancellationToken, Task>? Input { get; init; }

    /// <summary>Reads its standard output as it comes, unbounded; null to collect it in <see cref="ProcessOutcome.Output"/>.</summary>
    public Func<Stream, CancellationToken, Task>? Output { get; init; }

    /// <summary>Called with each line of standard error (cut at 4 KiB), such as a progress line; its last part is also kept in <see cref="ProcessOutcome.Error"/>.</summary>
    public Action<string>? ErrorLine { get; init; }

    /// <summary>Most bytes of standard output to collect; a program that writes more is ended.</summary>
    public int MaxOutputBytes { get; init; } = 1 << 20;

    /// <summary>How long it may run; null for as long as the caller waits.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How long it has between SIGTERM and SIGKILL.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">Its exit code; 128 + the signal's number when a signal ended it.</param>
/// <param name="Output">What it wrote to standard output, when collected.</param>
/// <param name="Error">The last 16 KiB of standard error.</param>
/// <param name="Duration">How long it ran.</param>
public sealed record ProcessOutcome(int ExitCode, byte[] Output, string Error, TimeSpan Duration)
{
    /// <summary>Whether the exit code is 0.</summary>
    public bool Ok => ExitCode == 0;

    /// <summary>Standard output as UTF-8 text.</summary>
    public string Text => System.Text.Encoding.UTF8.GetString(Output);
}
