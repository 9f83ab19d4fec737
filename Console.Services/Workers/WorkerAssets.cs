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
public sealed record WorkerAssets(IReadOnlyDictionary<string, AssetFile> Files, AssetNotFound NotFound, bool WorkerFirst);

/// <summary>One static file.</summary>
/// <param name="Path">As in <see cref="WorkerAssets.Files"/>.</param>
/// <param name="Digest">SHA-256, lower-case hexadecimal; also its ETag. <see cref="WorkerCodeStore.LoadAssetAsync"/> gives the bytes.</param>
/// <param name="ContentType">Media type by extension.</param>
/// <param name="Bytes">Its size.</param>
public sealed record AssetFile(string Path, string Digest, string ContentType, long Bytes);
