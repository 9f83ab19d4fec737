using Microsoft.AspNetCore.Http.Features;

namespace Quarterdeck.Web.Plugins.Ui;

/// <summary>The address of a request to a plug-in's pages, <c>/plugin-ui/{ticket}/…</c>, as it was sent: nothing decoded, so that the guest gets what the browser meant.</summary>
/// <param name="Ticket">The ticket; not checked.</param>
/// <param name="Target">Path and query inside the guest, beginning with a slash.</param>
internal readonly record struct UiAddress(string Ticket, string Target)
{
    /// <summary>Where plug-ins' pages are; a branch of its own before the console's endpoints.</summary>
    public const string Root = "/plugin-ui";

    /// <summary>Where the ticket's pages begin in the console, without a slash at the end.</summary>
    public string Prefix => $"{Root}/{Ticket}";

    /// <summary>The target without its query.</summary>
    public ReadOnlySpan<char> Path => Target.AsSpan(0, Target.IndexOf('?') is var at and >= 0 ? at : Target.Length);

    /// <summary>Reads it; null when it is none, or when what the server understood and what was sent differ.</summary>
    public static UiAddress? Read(HttpContext context)
    {
        var raw = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        if (raw.Length is 0 or > 16 << 10 || !raw.StartsWith(Root + "/", StringComparison.Ordinal) || raw.AsSpan().ContainsAnyExceptInRange('!', '~')) return null;
        var rest = raw[(Root.Length + 1)..];
        var end = rest.AsSpan().IndexOfAny('/', '?');
        var ticket = end < 0 ? rest : rest[..end];
        // Dot segments could make the two differ: /plugin-ui/A/../B/ is B's for the server.
        if (!context.Request.Path.StartsWithSegments($"{Root}/{ticket}", StringComparison.Ordinal)) return null;
        return new UiAddress(ticket, end < 0 ? "" : rest[end] == '?' ? "/" + rest[end..] : rest[end..]);
    }
}
