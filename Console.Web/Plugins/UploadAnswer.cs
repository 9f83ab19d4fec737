using System.Text.Json;
using Quarterdeck.Platform;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Plugins;

/// <summary>What the browser got when it sent a package.</summary>
/// <param name="Status">The HTTP status; 0 when there was no answer, and then <paramref name="Body"/> says why.</param>
/// <param name="Body">The answer's text.</param>
internal sealed record UploadAnswer(int Status, string Body)
{
    /// <summary>The refusal in it.</summary>
    public Problem Refusal(JsonSerializerOptions json)
    {
        if (Status == 0) return Problem.Unavailable("The package was not read", $"{Body} Choose it again.");
        try
        {
            if (JsonSerializer.Deserialize<ProblemBody>(Body, json) is { Title: not null } told)
                return new Problem(told.Errors is { Count: > 0 } ? ProblemKind.Invalid : ProblemKind.Conflict, told.Title, told.Detail, told.Errors ?? []);
        }
        catch (JsonException) { /* not ours: a proxy's page, for instance */ }
        return Problem.Unavailable("The package was not taken", $"The console answered with status {Status}. If a proxy stands in front of it, let it pass uploads of this size.");
    }
}
