namespace Quarterdeck.Workers;

/// <summary>What a path without a file of that name is answered with.</summary>
public enum AssetNotFound
{
    /// <summary>Nothing: the worker runs, or 404 when there is none.</summary>
    None,
    /// <summary>The nearest <c>404.html</c>, with status 404.</summary>
    Page404,
    /// <summary><c>/index.html</c> with status 200, for single-page applications.</summary>
    SinglePage,
}

/// <summary>Files that are served without running the worker.</summary>
/// <param name="Files">By path, which starts with a slash and is not percent-encoded, such as <c>/img/logo.svg</c>.</param>
/// <param name="NotFound">What happens for other paths.</param>
/// <param name="WorkerFirst">Whether the worker runs before the files are looked at; it then reads them by its assets binding.</param>
public sealed record WorkerAssets(IReadOnlyDictionary<string, AssetFile> Files, AssetNotFound NotFound, bool WorkerFirst)
{
    /// <summary>Where visitors of some paths are sent instead, whether there is a file or not; the first that matches wins, those without variables before the others. From a file <c>_redirects</c>.</summary>
    public IReadOnlyList<AssetRedirect> Redirects { get; init; } = [];

    /// <summary>Headers that answers with files get or lose; all that match apply, in this order. From a file <c>_headers</c>.</summary>
    public IReadOnlyList<AssetHeaders> Headers { get; init; } = [];
}

/// <summary>One line of <c>_redirects</c>.</summary>
/// <param name="From">A path; <c>*</c> stands for anything, <c>:name</c> for anything but a slash.</param>
/// <param name="To">A path or an address; <c>:splat</c> and <c>:name</c> take what was matched.</param>
/// <param name="Status">301, 302, 303, 307 or 308; 200 answers with the file at <paramref name="To"/>, and the address stays.</param>
public sealed record AssetRedirect(string From, string To, int Status);

/// <summary>One block of <c>_headers</c>.</summary>
/// <param name="For">A path, or <c>https://host/path</c>; <c>*</c> and <c>:name</c> as in redirects.</param>
/// <param name="Set">Name and value; the same name twice makes two values.</param>
/// <param name="Remove">Names that go.</param>
public sealed record AssetHeaders(string For, IReadOnlyList<AssetHeader> Set, IReadOnlyList<string> Remove);

/// <summary>A header of an answer.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">With <c>:splat</c> and <c>:name</c> still in it.</param>
public sealed record AssetHeader(string Name, string Value);

/// <summary>One static file.</summary>
/// <param name="Path">As in <see cref="WorkerAssets.Files"/>.</param>
/// <param name="Digest">SHA-256, lower-case hexadecimal; also its ETag. <see cref="WorkerCodeStore.LoadAssetAsync"/> gives the bytes.</param>
/// <param name="ContentType">Media type by extension.</param>
/// <param name="Bytes">Its size.</param>
public sealed record AssetFile(string Path, string Digest, string ContentType, long Bytes);
