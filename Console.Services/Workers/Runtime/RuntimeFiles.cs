namespace Quarterdeck.Workers.Runtime;

/// <summary>Scripts that are part of the assembly.</summary>
internal static class RuntimeFiles
{
    /// <summary>Modules of the dispatcher, the main one first.</summary>
    public static readonly IReadOnlyList<string> Dispatcher =
        ["dispatcher.js", .. typeof(RuntimeFiles).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith("workers/", StringComparison.Ordinal) && name.EndsWith(".js", StringComparison.Ordinal)).Select(name => name["workers/".Length..])
            .Where(name => name != "dispatcher.js").Order(StringComparer.Ordinal)];

    /// <summary>The main module of a server that has durable objects.</summary>
    public const string Owner = "owner.js";

    /// <summary>Whether a module is not the dispatcher's own, but handed on as text into workers' isolates.</summary>
    public static bool IsClient(string module) => module.StartsWith("client-", StringComparison.Ordinal);

    /// <summary>The text of one.</summary>
    public static string Read(string name)
    {
        using var stream = typeof(RuntimeFiles).Assembly.GetManifestResourceStream("workers/" + name) ?? throw new InvalidOperationException($"workers/{name} is not in the assembly.");
        return new StreamReader(stream).ReadToEnd();
    }
}
