using System.Globalization;

namespace Quarterdeck.Verification.Trial;

/// <summary>What was seen of a guest that came up, or did not.</summary>
/// <param name="Evidence">By what it was seen to be up.</param>
/// <param name="Seconds">From its power-on to that.</param>
/// <param name="Answers">What each port answered, in the checks' order; null for nothing.</param>
/// <param name="OffAfter">Seconds after which it was seen to be off; null while it runs.</param>
internal sealed record Awakened(ProofEvidence Evidence, double? Seconds, IReadOnlyList<string?> Answers, double? OffAfter = null)
{
    private const int MostShown = 120;

    /// <summary>Whether it came up, and what each port said.</summary>
    public IReadOnlyList<CheckOutcome> Outcomes(ProofChecks checks) => [Up(checks), .. checks.Ports.Zip(Answers, (check, answer) => Port(checks, check, answer))];

    private CheckOutcome Up(ProofChecks checks)
    {
        var after = Invariant($" after {Seconds:0.#} s.");
        return Evidence switch
        {
            ProofEvidence.Agent => new("The guest came up", true, "Its agent answered" + after),
            ProofEvidence.Serial => new("The guest came up", true, $"It wrote '{checks.SerialMarker}' to its serial port" + after),
            ProofEvidence.Port when checks.SerialMarker is null => new("The guest came up", true, "A port answered" + after),
            ProofEvidence.Screen when checks is { SerialMarker: null, Ports.Count: 0 } => new("The guest came up", true, "Only its screen came to rest; look at the picture. With an agent, a serial marker or a port it would be certain."),
            _ => new("The guest came up", false, $"{(checks.SerialMarker is { } marker ? $"It did not write '{marker}' to its serial port" : checks.Ports.Count > 0 ? "Neither its agent nor a port answered" : "Neither did its agent answer nor its screen come to rest")} {Until(checks)}"),
        };
    }

    private CheckOutcome Port(ProofChecks checks, PortCheck check, string? answer) =>
        new($"Port {check.Port} answers", answer is not null, answer is null ? $"It sent nothing{(check.Expect is null ? "" : $" with '{check.Expect}'")} {Until(checks)}" : FirstLine(answer));

    private string Until(ProofChecks checks) => OffAfter is { } off ? Invariant($"before the guest went off, which was after {off:0.#} s.") : $"within {checks.BootSeconds} s.";

    private static string FirstLine(string answer) => answer.Split('\n', 2)[0].Trim() is var line && line.Length > MostShown ? line[..MostShown] : line;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Waits until a guest is up, by the strongest evidence that comes, and until its ports answer.</summary>
internal sealed class Awakening(ITrialGuest vm, ProofChecks checks, TimeProvider time)
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1), RestsFor = TimeSpan.FromSeconds(12), NotBefore = TimeSpan.FromSeconds(20);
    private const double Alike = 0.02;
    private readonly string?[] _answers = new string?[checks.Ports.Count];
    private (int Length, long Since)? _screen;

    /// <summary>Returns as soon as nothing is left to wait for.</summary>
    public async Task<Awakened> WaitAsync(Action<int> progress, CancellationToken cancellation)
    {
        var begun = time.GetTimestamp();
        var evidence = ProofEvidence.None;
        double? seconds = null, off = null;
        while (time.GetElapsedTime(begun) is var elapsed && elapsed.TotalSeconds < checks.BootSeconds)
        {
            progress((int)elapsed.TotalSeconds);
            if (!await vm.RunsAsync(cancellation))
            {
                off = Math.Round(elapsed.TotalSeconds, 1);
                break;
            }
            if (evidence is ProofEvidence.None or ProofEvidence.Screen && await StrongAsync(cancellation) is var strong and not ProofEvidence.None) (evidence, seconds) = (strong, Math.Round(time.GetElapsedTime(begun).TotalSeconds, 1));
            await AskPortsAsync(cancellation);
            // Asking ports takes a while, in which the agent may have come; it tells more than a port does.
            if (checks.SerialMarker is null && evidence is ProofEvidence.None or ProofEvidence.Screen && _answers.Any(a => a is not null))
                (evidence, seconds) = (await StrongAsync(cancellation) is var late and not ProofEvidence.None ? late : ProofEvidence.Port, Math.Round(time.GetElapsedTime(begun).TotalSeconds, 1));
            if (checks.SerialMarker is null && evidence is ProofEvidence.None && await RestsAsync(elapsed, cancellation)) (evidence, seconds) = (ProofEvidence.Screen, Math.Round(elapsed.TotalSeconds, 1));
            // A screen at rest is taken only where nothing better was asked for.
            if (evidence is not ProofEvidence.None && (evidence is not ProofEvidence.Screen || checks is { SerialMarker: null, Ports.Count: 0 }) && _answers.All(a => a is not null)) break;
            await Task.Delay(Poll, time, cancellation);
        }
        return new Awakened(evidence, seconds, _answers, off);
    }

    private async Task<ProofEvidence> StrongAsync(CancellationToken cancellation)
    {
        // Who asks for a marker means that one, and nothing that comes earlier.
        if (checks.SerialMarker is { } marker) return (await vm.SerialAsync(cancellation)).Contains(marker, StringComparison.Ordinal) ? ProofEvidence.Serial : ProofEvidence.None;
        return await vm.AgentAnswersAsync(cancellation) ? ProofEvidence.Agent : ProofEvidence.None;
    }

    private async Task AskPortsAsync(CancellationToken cancellation)
    {
        if (_answers.All(a => a is not null)) return;
        var forwards = await vm.PortsAsync(cancellation);
        foreach (var (i, check) in checks.Ports.Index())
            if (_answers[i] is null && forwards.TryGetValue(check.Port, out var port) && await PortAsk.FirstBytesAsync(port, check, cancellation) is { } answer
                && (check.Expect is null || answer.Contains(check.Expect, StringComparison.Ordinal))) _answers[i] = answer;
    }

    // Pictures are compared by their compressed size: a blinking cursor changes it little, a boot that goes on changes it much.
    private async Task<bool> RestsAsync(TimeSpan elapsed, CancellationToken cancellation)
    {
        if (await vm.ScreenAsync(cancellation) is not { } picture) return false;
        if (_screen is not { } before || Math.Abs(picture.Length - before.Length) > before.Length * Alike) _screen = (picture.Length, time.GetTimestamp());
        return elapsed > NotBefore && time.GetElapsedTime(_screen.Value.Since) > RestsFor;
    }
}
