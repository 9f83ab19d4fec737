using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Quarterdeck.Backups.Nbd;

namespace Quarterdeck.Backups;

/// <summary>One connection to a disk served over NBD on a unix socket: fixed newstyle, structured replies, block status, many requests in flight.</summary>
/// <remarks>
/// All methods may be called at the same time. The server is not trusted: every length it sends is bounded by what was asked.
/// A buffer handed to a request belongs to it until its task has ended. Cancelling a request that was sent closes the whole
/// connection, because its answer could otherwise still write into the buffer.
/// </remarks>
public sealed class NbdClient : IAsyncDisposable
{
    /// <summary>Bytes that one read or write may have at most, whatever the server would allow.</summary>
    public const int MostBytes = 32 << 20;

    private const long MostZeroes = 1L << 30;
    private readonly NbdConnection _connection;
    private readonly NbdExport _export;

    private NbdClient(NbdConnection connection, NbdExport export) => (_connection, _export) = (connection, export);

    /// <summary>Size of the export in bytes.</summary>
    public long Size => _export.Size;

    /// <summary>Whether writes are refused.</summary>
    public bool ReadOnly => _export.Has(NbdFlags.ReadOnly);

    /// <summary>Whether <see cref="FlushAsync"/> makes earlier writes durable.</summary>
    public bool CanFlush => _export.Has(NbdFlags.Flush);

    /// <summary>Whether zeroes can be written without sending them.</summary>
    public bool CanWriteZeroes => _export.Has(NbdFlags.WriteZeroes);

    /// <summary>Whether <see cref="TrimAsync"/> may give room back.</summary>
    public bool CanTrim => _export.Has(NbdFlags.Trim);

    /// <summary>The contexts that the server agreed to tell about; of those asked for.</summary>
    public IReadOnlyCollection<string> Contexts => [.. _export.Contexts.Keys];

    /// <summary>Bytes of data received by reads; holes that the server only named are not counted.</summary>
    public long BytesRead => _connection.BytesRead;

    /// <summary>Bytes of data sent by writes; zeroes written without data are not counted.</summary>
    public long BytesWritten => _connection.BytesWritten;

    /// <summary>Connects and opens an export.</summary>
    /// <param name="socketPath">The server's unix socket.</param>
    /// <param name="export">The export's name; empty for the server's default one.</param>
    /// <param name="contexts">Such as <c>base:allocation</c> and <c>qemu:dirty-bitmap:NAME</c>; those not agreed to are missing from <see cref="Contexts"/>.</param>
    /// <param name="cancellation">Gives the attempt up.</param>
    /// <exception cref="NbdException">There is no server, it has no such export, or it does not speak the protocol.</exception>
    public static async Task<NbdClient> ConnectAsync(string socketPath, string export, IReadOnlyList<string> contexts, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(NbdConnection.Patience);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), limit.Token);
                var wire = new NetworkStream(socket, false);
                var receive = new BufferedStream(wire, NbdConnection.ReceiveBuffer);
                var agreed = await new NbdHandshake(wire, receive).PerformAsync(export, contexts, limit.Token);
                return new NbdClient(new NbdConnection(socket, receive), agreed);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw new NbdException($"The disk server did not answer within {NbdConnection.Patience.TotalSeconds:0} s.");
            }
            catch (Exception e) when (e is SocketException or EndOfStreamException || (e is IOException && e is not NbdException))
            {
                throw new NbdException($"The disk server cannot be reached: {e.Message}", 0, e);
            }
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Fills <paramref name="buffer"/> (at most <see cref="MostBytes"/>) from <paramref name="offset"/>.</summary>
    /// <exception cref="NbdException">The server refused, or the connection broke.</exception>
    public Task ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellation)
    {
        Check(offset, buffer.Length, MostBytes);
        return _connection.RequestAsync(new NbdRequest(NbdCommand.Read, offset, (uint)buffer.Length) { Buffer = buffer }, default, cancellation);
    }

    /// <summary>Writes <paramref name="data"/> (at most <see cref="MostBytes"/>) at <paramref name="offset"/>; durable after the next <see cref="FlushAsync"/>.</summary>
    /// <exception cref="NbdException">The server refused, or the connection broke.</exception>
    public Task WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        Check(offset, data.Length, MostBytes);
        return _connection.RequestAsync(new NbdRequest(NbdCommand.Write, offset, (uint)data.Length), data, cancellation);
    }

    /// <summary>Makes a range read as zeroes; the server may give its room back unless <paramref name="allocate"/>.</summary>
    /// <exception cref="NbdException">The server refused, or the connection broke.</exception>
    public Task WriteZeroesAsync(long offset, long length, CancellationToken cancellation, bool allocate = false) =>
        InPiecesAsync(NbdCommand.WriteZeroes, allocate ? NbdFlags.NoHole : (ushort)0, offset, length, cancellation);

    /// <summary>Tells that a range's content is not needed any more; what it reads as afterwards is undefined.</summary>
    /// <exception cref="NbdException">The server refused, or the connection broke.</exception>
    public Task TrimAsync(long offset, long length, CancellationToken cancellation) => InPiecesAsync(NbdCommand.Trim, 0, offset, length, cancellation);

    /// <summary>Ends when every write that had ended before is durable.</summary>
    /// <exception cref="NbdException">The server failed, or the connection broke.</exception>
    public Task FlushAsync(CancellationToken cancellation) => _connection.RequestAsync(new NbdRequest(NbdCommand.Flush, 0, 0), default, cancellation);

    /// <summary>The status of a range, in order, neighbours of equal flags merged, nothing left out.</summary>
    /// <param name="context">One of <see cref="Contexts"/>.</param>
    /// <param name="offset">Where to begin.</param>
    /// <param name="length">How far to go.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="NbdException">The context was not agreed to, the server refused, or the connection broke.</exception>
    public async IAsyncEnumerable<NbdExtent> ExtentsAsync(string context, long offset, long length, [EnumeratorCancellation] CancellationToken cancellation)
    {
        Check(offset, length, long.MaxValue);
        if (!_export.Contexts.TryGetValue(context, out var id)) throw new NbdException($"The disk server does not tell about '{context}'.", 22);
        var end = offset + length;
        NbdExtent? open = null;
        while (offset < end)
        {
            var request = new NbdRequest(NbdCommand.BlockStatus, offset, (uint)Math.Min(end - offset, NbdExport.MostStatus)) { Context = id };
            await _connection.RequestAsync(request, default, cancellation);
            if (request.Extents.Count == 0) throw new NbdException($"The disk server told nothing about '{context}'.", 22);
            foreach (var (size, flags) in request.Extents)
            {
                var extent = new NbdExtent(offset, Math.Min(size, end - offset), flags);
                if (extent.Length == 0) break;
                offset = extent.End;
                if (open is { } last && last.Flags == flags) open = last with { Length = last.Length + extent.Length };
                else
                {
                    if (open is { } done) yield return done;
                    open = extent;
                }
            }
        }
        if (open is { } rest) yield return rest;
    }

    /// <summary>Says goodbye and hangs up; requests in flight fail.</summary>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async Task InPiecesAsync(NbdCommand command, ushort flags, long offset, long length, CancellationToken cancellation)
    {
        Check(offset, length, long.MaxValue);
        for (var end = offset + length; offset < end; offset += MostZeroes)
            await _connection.RequestAsync(new NbdRequest(command, offset, (uint)Math.Min(end - offset, MostZeroes)) { Flags = flags }, default, cancellation);
    }

    private void Check(long offset, long length, long most)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, most);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Size - length);
    }
}
