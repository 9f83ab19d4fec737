using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Backups;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Restores.Exports;

namespace Quarterdeck.Restores;

/// <summary>Serves disks of recovery points read-only over NBD, out of the repository and without a copy; for this room and those above, which have asked for permission.</summary>
/// <remarks>Any number may be open, also of the same disk. Each holds a session with its repository, so that a collect removes nothing under it; whoever opens one also locks the recovery point against its deletion.</remarks>
public sealed class PointExports
{
    private readonly RecoveryPoints _points;
    private readonly RepositoryConnections _repositories;
    private readonly ExportSockets _sockets;
    private readonly RestoresOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<PointExports> _logger;

    internal PointExports(RecoveryPoints points, RepositoryConnections repositories, ExportSockets sockets, IOptions<RestoresOptions> options, TimeProvider time, ILogger<PointExports> logger) =>
        (_points, _repositories, _sockets, _options, _time, _logger) = (points, repositories, sockets, options.Value, time, logger);

    /// <summary>Opens a disk of a point on a socket of its own.</summary>
    /// <param name="pointId">The recovery point.</param>
    /// <param name="diskTarget">The disk's name in the VM, such as <c>vda</c>.</param>
    /// <param name="cancellation">Gives up opening.</param>
    /// <param name="repositoryId">Where from, for a point that was copied; null for any repository that has it.</param>
    /// <returns>Not found (the point, or a disk of that name), or unavailable while its repository cannot be reached.</returns>
    public async Task<Result<PointExport>> OpenAsync(Guid pointId, string diskTarget, CancellationToken cancellation, Guid? repositoryId = null)
    {
        if (repositoryId is null)
        {
            if (await _points.FindAsync(pointId, cancellation) is not { } point) return Problem.NotFound("recovery point", pointId);
            repositoryId = point.RepositoryId;
        }
        return await OpenAtAsync(repositoryId.Value, pointId, diskTarget, _sockets.Fresh(), cancellation);
    }

    /// <summary>Opens a disk on the socket that its reader knows already: after the console was killed, the next one serves the same bytes at the same place.</summary>
    internal async Task<Result<PointExport>> OpenAtAsync(Guid repositoryId, Guid pointId, string diskTarget, string socket, CancellationToken cancellation)
    {
        var opened = await PointContent.OpenAsync(c => _repositories.OpenAsync(repositoryId, c), pointId, diskTarget, TimeSpan.FromSeconds(_options.ExportPatienceSeconds), _time, cancellation);
        if (!opened.TryGet(out var content, out var problem)) return problem;
        try
        {
            return new PointExport(socket, diskTarget, content, new ChunkCache(content, _options.ExportCacheMiB), _logger);
        }
        catch
        {
            await content.DisposeAsync();
            throw;
        }
    }
}
