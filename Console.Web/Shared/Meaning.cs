namespace Quarterdeck.Web.Shared;

/// <summary>What a state means to the person who looks: decides colour and icon, never alone.</summary>
public enum Meaning
{
    /// <summary>As it should be.</summary>
    Ok,
    /// <summary>Something is going on.</summary>
    Running,
    /// <summary>Somebody should look at it.</summary>
    Attention,
    /// <summary>It went wrong.</summary>
    Failed,
    /// <summary>Switched off or waiting, on purpose.</summary>
    Off,
    /// <summary>Not known, for instance because the host is away.</summary>
    Unknown,
}

/// <summary>The one table from the words of states to their meaning.</summary>
public static class Meanings
{
    /// <summary>What the state's word means; words that are not listed are <see cref="Meaning.Unknown"/>.</summary>
    public static Meaning Of(string state) => state.ToLowerInvariant() switch
    {
        "connected" or "ready" or "succeeded" or "ok" or "good" or "enabled" or "active" or "done" or "healthy" => Meaning.Ok,
        "running" or "deploying" or "enrolling" or "connecting" or "starting" or "uninstalling" or "upgrading" or "restoring" => Meaning.Running,
        "warning" or "degraded" or "paused" or "unprotected" or "expiring" or "expired" or "refused" => Meaning.Attention,
        "failed" or "disconnected" or "crashed" or "lost" or "unreachable" or "unavailable" or "locked" => Meaning.Failed,
        "off" or "queued" or "cancelled" or "disabled" or "maintenance" or "revoked" or "inactive" or "open" => Meaning.Off,
        _ => Meaning.Unknown,
    };

    /// <summary>The class in <c>parts.css</c>.</summary>
    public static string Css(this Meaning meaning) => meaning switch
    {
        Meaning.Ok => "ok",
        Meaning.Running => "run",
        Meaning.Attention => "warn",
        Meaning.Failed => "bad",
        _ => "off",
    };

    /// <summary>The sign before the word.</summary>
    public static string Sign(this Meaning meaning) => meaning switch
    {
        Meaning.Ok => "✓",
        Meaning.Running => "▸",
        Meaning.Attention => "!",
        Meaning.Failed => "✕",
        Meaning.Off => "○",
        _ => "?",
    };
}
