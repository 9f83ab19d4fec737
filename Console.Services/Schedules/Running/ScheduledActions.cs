using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Schedules.Running;

/// <summary>The actions by key. Made when first asked: they depend on rooms that may use schedules.</summary>
internal sealed class ScheduledActions(IServiceProvider services)
{
    private readonly Lazy<Dictionary<string, IScheduledAction>> _actions = new(() => services.GetServices<IScheduledAction>().ToDictionary(a => a.Key, StringComparer.Ordinal));

    public IReadOnlyList<IScheduledAction> All => [.. _actions.Value.Values.OrderBy(a => a.Title, StringComparer.Ordinal)];

    public IScheduledAction? Find(string key) => _actions.Value.GetValueOrDefault(key);
}
