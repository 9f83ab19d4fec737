namespace Quarterdeck.Repositories.Objects;

/// <summary>An object's name, with slashes, and its length.</summary>
internal readonly record struct ObjectEntry(string Name, long Size);

/// <summary>Where a repository's objects lie. Whole objects appear and vanish at once; faults are <see cref="RepositoryException"/>.</summary>
internal interface IObjectStore : IAsyncDisposable
{
    /// <summary>For people.</summary>
    string Location { get; }

    /// <summary>Makes or replaces an object; durable when this returns.</summary>
    Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation);

    /// <summary>Makes an object unless there is one of that name; durable when this returns true.</summary>
    Task<bool> CreateAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation);

    /// <summary>Reads an object whole; null when there is none.</summary>
    Task<byte[]?> ReadAsync(string name, CancellationToken cancellation);

    /// <summary>Reads a part. Fewer bytes than asked for mean that the object ends there; -1 that there is none.</summary>
    Task<int> ReadAsync(string name, long offset, Memory<byte> into, CancellationToken cancellation);

    /// <summary>All objects below a folder, in no order. One that comes or goes meanwhile may or may not be among them.</summary>
    IAsyncEnumerable<ObjectEntry> ListAsync(string folder, CancellationToken cancellation);

    /// <summary>Removes an object; nothing happens when there is none.</summary>
    Task DeleteAsync(string name, CancellationToken cancellation);

    /// <summary>Sets room aside while there is plenty, so that freeing room works on a disk that is full; nothing where the place grows by itself.</summary>
    void KeepReserve() { }

    /// <summary>From now on writes of this store may use the room set aside.</summary>
    void UseReserve() { }

    /// <summary>Removes what writers that died more than a day ago left unfinished.</summary>
    /// <returns>Bytes freed.</returns>
    Task<long> TidyAsync(CancellationToken cancellation) => Task.FromResult(0L);

    /// <summary>The path of an object that is a file on this machine; null elsewhere.</summary>
    string? PathOf(string name) => null;
}
