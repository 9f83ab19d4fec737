using Quarterdeck.Workers.Registry;

namespace Quarterdeck.Workers;

/// <summary>Code and static files of versions, for the data plane of this room; asks no caller.</summary>
public sealed class WorkerCodeStore : IWorkerCodeSource
{
    private readonly CodeReader _reader;

    internal WorkerCodeStore(CodeReader reader) => _reader = reader;

    /// <summary>The code of a version with the values of its secrets, or null when there is no such version. The reader asks <see cref="WorkerCode.IsIntact"/>.</summary>
    /// <exception cref="System.Data.Common.DbException">The database is away.</exception>
    /// <exception cref="Quarterdeck.Secrets.SecretUnreadableException">A secret cannot be decrypted.</exception>
    public Task<WorkerCode?> LoadAsync(WorkerKey key, CancellationToken cancellation) => _reader.CodeAsync(key, cancellation);

    /// <summary>The bytes of a static file by its digest, or null when no version has it.</summary>
    public Task<ReadOnlyMemory<byte>?> LoadAssetAsync(string digest, CancellationToken cancellation) => _reader.BlobAsync(digest, cancellation);
}
