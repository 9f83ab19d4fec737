using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Operations.Running;

/// <summary>The handlers by kind. Made when first asked: handlers may depend on services that depend on the queue.</summary>
internal sealed class OperationKinds(IServiceProvider services)
{
    private readonly Lazy<Dictionary<string, IOperationHandler>> _handlers = new(() =>
    {
        var handlers = new Dictionary<string, IOperationHandler>(StringComparer.Ordinal);
        foreach (var handler in services.GetServices<IOperationHandler>())
            if (!handlers.TryAdd(handler.Kind.Key, handler))
                throw new InvalidOperationException($"The operation kind '{handler.Kind.Key}' is registered twice.");
        return handlers;
    });

    public IReadOnlyList<OperationKind> All => [.. _handlers.Value.Values.Select(h => h.Kind).OrderBy(k => k.Title, StringComparer.Ordinal)];

    public IOperationHandler? Find(string key) => _handlers.Value.GetValueOrDefault(key);
}
