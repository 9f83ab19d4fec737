using Microsoft.Extensions.Logging;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Exports;

namespace Quarterdeck.Restores;

/// <summary>One disk of a recovery point behind an NBD server on a unix socket, until it is disposed. What it serves is raw: what the guest saw, byte by byte.</summary>
/// <remarks>Clients may be the console's user, root, or the user that libvirt runs QEMU as; others are hung up on. Both the empty export name and the disk's are answered.
/// Structured replies and <c>base:allocation</c> are offered, many connections may read at once, and writing is refused.
/// While the repository is away a read waits (<see cref="RestoresOptions.ExportPatienceSeconds"/>), then it fails with EIO, as does one that needs a damaged chunk.</remarks>
public sealed class PointExport : IAsyncDisposable
{
    private readonly PointContent _content;
    private readonly ChunkCache _cache;
    private readonly ExportServer _server;

    internal PointExport(string socket, string target, PointContent content, ChunkCache cache, ILogger logger) =>
        (_content, _cache, _server) = (content, cache, new ExportServer(socket, target, content, cache, logger));

    /// <summary>Path of the socket.</summary>
    public string SocketPath => _server.SocketPath;

    /// <summary>What the guest saw as the disk's size.</summary>
    public long SizeBytes => _content.SizeBytes;

    /// <summary>Bytes given to clients so far, zeros included.</summary>
    public long ServedBytes => _server.ServedBytes;

    /// <summary>Chunk bytes read from the repository so far, as they are stored there.</summary>
    public long SentBytes => _content.SentBytes;

    /// <summary>Chunks read from the repository so far.</summary>
    public long Chunks => _content.Chunks;

    /// <summary>Why the last read failed, in words; null while all is well, and again when a later one went well.</summary>
    public string? Fault => _content.Fault;

    /// <summary>What was found damaged or missing since it was opened, in words; null for nothing, or when it could be read later.</summary>
    public string? Damage => _content.Damage;

    /// <summary>The recovery points, of whichever VM, that need what was found damaged; reads the indexes of all points.</summary>
    /// <exception cref="RepositoryException">The repository is away.</exception>
    internal Task<IReadOnlyList<PointManifest>> DamagedPointsAsync(CancellationToken cancellation) => _content.DamagedPointsAsync(cancellation);

    /// <summary>Hangs up on its clients, and ends the session with the repository.</summary>
    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _cache.DisposeAsync();
        await _content.DisposeAsync();
    }
}
