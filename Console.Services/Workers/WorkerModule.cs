namespace Quarterdeck.Workers;

/// <summary>What a module is, decided by the extension of its name.</summary>
public enum ModuleKind
{
    /// <summary>JavaScript with import and export: <c>.js</c>, <c>.mjs</c>.</summary>
    EsModule,
    /// <summary>JavaScript with require and exports: <c>.cjs</c>.</summary>
    CommonJs,
    /// <summary>WebAssembly: <c>.wasm</c>.</summary>
    Wasm,
    /// <summary>Imported as a string: <c>.txt</c>, <c>.html</c>, <c>.sql</c>, <c>.css</c>, <c>.md</c>, <c>.svg</c>.</summary>
    Text,
    /// <summary>Imported as a value: <c>.json</c>.</summary>
    Json,
    /// <summary>Imported as an array buffer: <c>.bin</c>.</summary>
    Data,
}

/// <summary>One file of a worker's code.</summary>
/// <param name="Name">Path by which other modules import it, such as <c>lib/answer.js</c>; no leading slash, no <c>..</c>.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Content">Its bytes; UTF-8 for all but <see cref="ModuleKind.Wasm"/> and <see cref="ModuleKind.Data"/>.</param>
public sealed record WorkerModule(string Name, ModuleKind Kind, ReadOnlyMemory<byte> Content);

/// <summary>A module without its bytes, for lists.</summary>
/// <param name="Name">Path.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Digest">SHA-256 of its bytes, lower-case hexadecimal; equal modules are stored once.</param>
public sealed record ModuleInfo(string Name, ModuleKind Kind, long Bytes, string Digest);
