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

    /// <summary>What the request was for; null when its address is none, or when what the server understood and what was sent differ.</summary>
    public static UiAddress? Of(HttpContext context) => context.Features.Get<Known>()?.Address;

    /// <summary>Takes ticket, path and query out of a request of this branch before anything, such as a log's scope, sees them; <see cref="Of"/> has them from then on.</summary>
    public static void Hide(IFeatureCollection features)
    {
        if (features.Get<IHttpRequestFeature>() is not { } request || !new PathString(request.Path).StartsWithSegments(Root)) return;
        features.Set(new Known(Read(request.RawTarget, request.Path)));
        (request.Path, request.QueryString) = (Root, "");
    }

    private static UiAddress? Read(string raw, PathString path)
    {
        if (raw.Length is 0 or > 16 << 10 || !raw.StartsWith(Root + "/", StringComparison.Ordinal) || raw.AsSpan().ContainsAnyExceptInRange('!', '~')) return null;
        var rest = raw[(Root.Length + 1)..];
        var end = rest.AsSpan().IndexOfAny('/', '?');
        var ticket = end < 0 ? rest : rest[..end];
        // Dot segments could make the two differ: /plugin-ui/A/../B/ is B's for the server.
        if (!path.StartsWithSegments($"{Root}/{ticket}", StringComparison.Ordinal)) return null;
        return new UiAddress(ticket, end < 0 ? "" : rest[end] == '?' ? "/" + rest[end..] : rest[end..]);
    }

    private sealed record Known(UiAddress? Address);
}

/// <summary>Makes the context of each request, with <see cref="UiAddress.Hide"/> first: the server writes the path of a request into the scope of all its log lines.</summary>
internal sealed class TicketlessContextFactory(IServiceProvider services) : IHttpContextFactory
{
    private readonly DefaultHttpContextFactory _contexts = new(services);

    public HttpContext Create(IFeatureCollection featureCollection)
    {
        UiAddress.Hide(featureCollection);
        return _contexts.Create(featureCollection);
    }

    public void Dispose(HttpContext httpContext) => _contexts.Dispose(httpContext);
}
