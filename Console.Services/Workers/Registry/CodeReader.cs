namespace Quarterdeck.Workers.Registry;

/// <summary>Reads code and static files of versions.</summary>
internal sealed class CodeReader
{
    public Task<WorkerCode?> CodeAsync(WorkerKey key, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<ReadOnlyMemory<byte>?> BlobAsync(string digest, CancellationToken cancellation) => throw new NotSupportedException();
}
