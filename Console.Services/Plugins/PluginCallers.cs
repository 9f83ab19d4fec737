using Quarterdeck.Access;
using Quarterdeck.Plugins.Registry;

namespace Quarterdeck.Plugins;

/// <summary>From a plug-in's own token to its caller at <c>/api/v1</c>: what was approved for it, and never more than an operator may.</summary>
public sealed class PluginCallers
{
    /// <summary>How such tokens begin.</summary>
    public const string Prefix = TokenText.Plugin;

    internal PluginCallers()
    {
    }

    /// <summary>The caller behind a token; null when it is unknown, expired or revoked, or its plug-in is disabled or being removed.</summary>
    /// <param name="token">Beginning with <see cref="Prefix"/>.</param>
    /// <param name="requestId">Correlates audit entries with the request's log.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task<Caller?> VerifyAsync(string token, string? requestId, CancellationToken cancellation) => throw new NotImplementedException();
}
