namespace Quarterdeck.Restores.Disks;

/// <summary>Counts what a restore moves; any thread may add.</summary>
internal sealed class Transfer
{
    private long _sent, _written, _chunks;

    /// <summary>Chunk bytes that came from the repository, as they are stored there.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Bytes written to disks; zeroes count with their length.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <summary>Chunks written.</summary>
    public long Chunks => Interlocked.Read(ref _chunks);

    /// <summary>A chunk came from the repository.</summary>
    public void AddSent(long bytes) => Interlocked.Add(ref _sent, bytes);

    /// <summary>Neighbouring chunks were written.</summary>
    public void AddWritten(long bytes, int chunks)
    {
        Interlocked.Add(ref _written, bytes);
        Interlocked.Add(ref _chunks, chunks);
    }
}
