namespace Quarterdeck.Workers;

/// <summary>A class of durable objects: a namespace with storage of its own.</summary>
/// <param name="Key">Names the namespace for ever, also when the class is renamed.</param>
/// <param name="Name">The class that the worker exports.</param>
/// <param name="Bound">Whether the version itself has a binding to it, and so must export it.</param>
public sealed record ObjectClass(string Key, string Name, bool Bound = false)
{
    /// <summary>The classes whose objects a version runs.</summary>
    internal static IReadOnlyList<ObjectClass> Of(WorkerCode code)
    {
        var bound = code.Bindings.Where(IsOwn).Select(b => new ObjectClass(KeyOf(code, b), NameOf(b), Bound: true)).DistinctBy(c => c.Key).ToList();
        return [.. bound, .. code.ObjectClasses.Where(c => bound.TrueForAll(b => b.Key != c.Key && b.Name != c.Name))];
    }

    /// <summary>The namespace of a binding; before the version is stored, a name that no stored one has.</summary>
    internal static string KeyOf(WorkerCode code, WorkerBinding binding) => code.ObjectKeys.GetValueOrDefault(binding.Name) ?? $"new-{code.Key.Serial}-{OwnerOf(binding)}-{NameOf(binding)}";

    /// <summary>Whether a binding is to a class of the worker itself.</summary>
    internal static bool IsOwn(WorkerBinding binding) => binding.Kind is BindingKind.DurableObject && OwnerOf(binding) is null;

    /// <summary>The class that a binding names.</summary>
    internal static string NameOf(WorkerBinding binding) => binding.Value.GetProperty("class").GetString()!;

    /// <summary>The worker that exports it; null for the one that has the binding.</summary>
    internal static string? OwnerOf(WorkerBinding binding) => binding.Value.TryGetProperty("worker", out var worker) ? worker.GetString() : null;
}
