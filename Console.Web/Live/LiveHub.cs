using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;
using Quarterdeck.Access;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Live;

/// <summary><c>/hubs/live</c>: outside clients follow topics. See <c>docs/live.md</c>.</summary>
[Authorize(AuthenticationSchemes = AccessPolicies.Bearer + "," + AccessPolicies.Page)]
public sealed class LiveHub(IEnumerable<ILiveTopic> topics, Guard guard, TokenVerifier tokens, SessionKeeper sessions, TimeProvider time) : Hub
{
    /// <summary>A revoked token or ended session gets nothing more after this time.</summary>
    private static readonly TimeSpan Recheck = TimeSpan.FromSeconds(3);

    /// <summary>A snapshot of a topic, then its changes, for ever. A gap sends a new snapshot.</summary>
    /// <param name="topic">One of <c>operations</c>, <c>hosts</c>, <c>vms</c>, <c>plugins</c>.</param>
    /// <param name="filter">Fields with the value that an item must have, such as <c>{"state":"running"}</c>; null for all.</param>
    /// <param name="cancellation">Given by SignalR.</param>
    public async IAsyncEnumerable<LiveMessage> Subscribe(string topic, IReadOnlyDictionary<string, string>? filter, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var known = topics.FirstOrDefault(t => t.Name == topic)
            ?? throw new HubException($"There is no topic '{topic}'. Topics: {string.Join(", ", topics.Select(t => t.Name).Order())}.");
        var caller = CallerAccessor.FromHttp(Context.GetHttpContext()!);
        if (await guard.CheckAsync(caller, known.Needs, "topic:" + topic, cancellation) is { } refused) throw new HubException(refused.Detail);
        await using var messages = known.SubscribeAsync(caller, filter is { Count: > 0 } ? filter : null, cancellation).GetAsyncEnumerator(cancellation);
        var checkedAt = time.GetTimestamp();
        while (true)
        {
            try
            {
                if (!await messages.MoveNextAsync()) yield break;
            }
            catch (ProblemException e) { throw new HubException($"{e.Problem.Title}: {e.Problem.Detail}"); }
            if (time.GetElapsedTime(checkedAt) > Recheck)
            {
                if (!await MayStillAsync(caller, known.Needs, cancellation)) throw new HubException("The token was revoked or has expired, or the session has ended.");
                checkedAt = time.GetTimestamp();
            }
            yield return messages.Current;
        }
    }

    /// <summary>Connections outlive tokens and sessions, so they are asked about again before something is sent.</summary>
    private async Task<bool> MayStillAsync(Caller caller, Permission needs, CancellationToken cancellation)
    {
        if (caller.SessionId is { } session) return await sessions.FindAsync(session, cancellation) is not null;
        return BearerHandler.SecretOf(Context.GetHttpContext()!.Request) is { } secret
            && await tokens.VerifyAsync(secret, caller.RequestId, cancellation) is { } now && now.May(needs);
    }
}
