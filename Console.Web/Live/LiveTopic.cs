using System.Runtime.CompilerServices;
using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Events;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Live;

/// <summary>What the hub sends.</summary>
/// <param name="Sequence">Never falls within a subscription.</param>
/// <param name="Kind"><c>snapshot</c> (forget what you had), <c>change</c> or <c>removed</c>.</param>
/// <param name="Items">Objects as REST shows them; with <c>removed</c> only their <c>id</c>.</param>
public sealed record LiveMessage(long Sequence, string Kind, IReadOnlyList<JsonElement> Items);

/// <summary>A topic that outside clients may subscribe to; rooms add theirs with <see cref="LiveTopics.AddLiveTopic{T,TOut}"/>.</summary>
public interface ILiveTopic
{
    /// <summary>Its name, such as <c>vms</c>.</summary>
    string Name { get; }

    /// <summary>Who may follow it.</summary>
    Permission Needs { get; }

    /// <summary>A snapshot, then changes.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="filter">Fields that an item must have with these values; null for all.</param>
    /// <param name="cancellation">Ends it.</param>
    IAsyncEnumerable<LiveMessage> SubscribeAsync(Caller caller, IReadOnlyDictionary<string, string>? filter, CancellationToken cancellation);
}

/// <summary>A topic over a room's <see cref="EventStream{T}"/>, in REST's shape.</summary>
internal sealed class LiveTopic<T, TOut>(string name, Permission needs, EventStream<T> stream,
    Func<Caller, PageQuery, CancellationToken, Task<Result<Page<T>>>> list, Func<T, TOut> shape, JsonSerializerOptions json) : ILiveTopic
{
    /// <summary>At most five messages a second go to a client.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(200);

    public string Name => name;

    public Permission Needs => needs;

    public async IAsyncEnumerable<LiveMessage> SubscribeAsync(Caller caller, IReadOnlyDictionary<string, string>? filter, [EnumeratorCancellation] CancellationToken cancellation)
    {
        HashSet<string>? sent = filter is null ? null : [];
        await foreach (var batch in stream.SubscribeAsync(c => ReadAllAsync(caller, c), cancellation, Pace))
        {
            if (batch.Kind is LiveKind.Removed)
            {
                var gone = sent is null ? batch.Keys : [.. batch.Keys.Where(sent.Remove)];
                if (gone.Count > 0) yield return new(batch.Sequence, "removed", [.. gone.Select(Id)]);
                continue;
            }
            if (batch.Kind is LiveKind.Snapshot) sent?.Clear();
            var (items, left) = Select(batch.Items, filter, sent);
            if (batch.Kind is LiveKind.Snapshot) yield return new(batch.Sequence, "snapshot", items);
            else if (items.Count > 0) yield return new(batch.Sequence, "change", items);
            if (left.Count > 0) yield return new(batch.Sequence, "removed", left);
        }
    }

    /// <summary>What fits the filter, and the ids of what was sent before and fits no more.</summary>
    private (List<JsonElement> Items, List<JsonElement> Left) Select(IReadOnlyList<T> batch, IReadOnlyDictionary<string, string>? filter, HashSet<string>? sent)
    {
        List<JsonElement> items = new(batch.Count), left = [];
        foreach (var item in batch)
        {
            var element = JsonSerializer.SerializeToElement(shape(item), json);
            if (filter is null) { items.Add(element); continue; }
            var key = stream.KeyOf(item);
            if (Fits(element, filter)) { sent!.Add(key); items.Add(element); }
            else if (sent!.Remove(key)) left.Add(Id(key));
        }
        return (items, left);
    }

    private static bool Fits(JsonElement item, IReadOnlyDictionary<string, string> filter)
    {
        foreach (var (field, wanted) in filter)
            if (!item.TryGetProperty(field, out var value) || !string.Equals(value.ToString(), wanted, StringComparison.OrdinalIgnoreCase)) return false;
        return true;
    }

    private JsonElement Id(string key) => JsonSerializer.SerializeToElement(new { id = key }, json);

    private async Task<IReadOnlyList<T>> ReadAllAsync(Caller caller, CancellationToken cancellation)
    {
        var all = new List<T>();
        for (var number = 1; ; number++)
        {
            var page = (await list(caller, new PageQuery(number, PageQuery.MaxSize), cancellation)).Value;
            all.AddRange(page.Items);
            if (page.Items.Count < PageQuery.MaxSize || all.Count >= page.Total || all.Count >= LiveTopics.MaxSnapshot) return all;
        }
    }
}

/// <summary>Registration of topics.</summary>
public static class LiveTopics
{
    /// <summary>The most items of a snapshot; lists that grow for ever (operations) send their newest.</summary>
    public const int MaxSnapshot = 20_000;

    /// <summary>Lets outside clients follow a room's topic.</summary>
    /// <param name="services">The services.</param>
    /// <param name="name">The topic's name at the hub.</param>
    /// <param name="needs">Who may follow it.</param>
    /// <param name="list">Reads a page of it.</param>
    /// <param name="shape">REST's shape of an item; it has an <c>id</c>.</param>
    public static IServiceCollection AddLiveTopic<T, TOut>(this IServiceCollection services, string name, Permission needs,
        Func<IServiceProvider, Func<Caller, PageQuery, CancellationToken, Task<Result<Page<T>>>>> list, Func<T, TOut> shape) =>
        services.AddSingleton<ILiveTopic>(p => new LiveTopic<T, TOut>(name, needs, p.GetRequiredService<EventStream<T>>(), list(p), shape,
            p.GetRequiredService<Microsoft.Extensions.Options.IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions>>().Value.SerializerOptions));
}
