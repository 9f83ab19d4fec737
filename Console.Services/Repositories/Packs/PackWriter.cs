using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Quarterdeck.Repositories.Coding;
using Quarterdeck.Repositories.Objects;

namespace Quarterdeck.Repositories.Packs;

/// <summary>A pack that is durable and not yet in an index.</summary>
internal sealed record FinishedPack(Guid Id, int Size, IReadOnlyList<RecordEntry> Entries);

/// <summary>Fills packs of one kind and writes full ones while the next fills.</summary>
internal sealed class PackWriter(IObjectStore store, Guid repository, RecordCoder coder, RecordKind kind, int target) : IAsyncDisposable
{
    // One fills while two are written. Whoever needs another one waits: memory stays bounded by this, however slow the store.
    private const int Buffers = 3;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _buffers = new(Buffers);
    private readonly ConcurrentBag<PackMemory> _spare = [];
    private readonly ConcurrentBag<FinishedPack> _finished = [];
    private readonly List<Task> _writing = [];
    private PackBuffer? _current;
    private volatile Exception? _fault;
    private long _written;

    /// <summary>Bytes of records so far.</summary>
    public long WrittenBytes => Volatile.Read(ref _written);

    /// <summary>Finished packs that wait for an index.</summary>
    public int Waiting => _finished.Count;

    /// <summary>Compresses, encrypts and places content.</summary>
    public async Task AppendAsync(ChunkId id, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        ThrowIfBroken();
        var coded = ArrayPool<byte>.Shared.Rent(PackFormat.MaxRaw);
        try
        {
            var size = coder.Compress(content.Span, coded);
            if (size > 0) await AppendCodedAsync(id, coded.AsMemory(0, size), content.Length, RecordCoding.Zstd, cancellation);
            else await AppendCodedAsync(id, content, content.Length, RecordCoding.Plain, cancellation);
        }
        finally { ArrayPool<byte>.Shared.Return(coded); }
    }

    /// <summary>Places content that is compressed already, or never will be.</summary>
    public async Task AppendCodedAsync(ChunkId id, ReadOnlyMemory<byte> coded, int raw, RecordCoding coding, CancellationToken cancellation)
    {
        var size = coded.Length + coder.Seal.RecordOverhead;
        RecordPlace place;
        PackBuffer? buffer;
        while ((buffer = Reserve(id, size, coding, out place)) is null)
        {
            await _buffers.WaitAsync(cancellation);
            lock (_gate)
            {
                // Another one may have brought a buffer meanwhile.
                if (_current is null && _fault is null) _current = NewBuffer();
                else _buffers.Release();
            }
            ThrowIfBroken();
        }
        try { coder.Write(buffer.Memory.GetSpan().Slice(place.Offset, place.Length), id, coded.Span, raw, place, buffer.Key); }
        finally { buffer.Release(); }
        Interlocked.Add(ref _written, place.Length);
    }

    /// <summary>A place in the pack that fills; null when there is none now. A full one is on its way to the store then.</summary>
    private PackBuffer? Reserve(ChunkId id, int size, RecordCoding coding, out RecordPlace place)
    {
        lock (_gate)
        {
            place = default;
            if (_current is not { } buffer) return null;
            if (buffer.TryReserve(id, size, kind, coding, out place)) return buffer;
            BeginWrite();
            return null;
        }
    }

    private PackBuffer NewBuffer() => new(repository, Guid.NewGuid(), _spare.TryTake(out var memory) ? memory : new PackMemory(PackBuffer.Room(target)), target, coder.Seal);

    // Called inside the gate. Once begun, a pack is written whatever happens to the caller: others' chunks are in it, too.
    private void BeginWrite()
    {
        if (_current is not { } full) return;
        _current = null;
        full.Release();
        _writing.RemoveAll(task => task.IsCompletedSuccessfully);
        _writing.Add(Task.Run(() => WriteAsync(full)));
    }

    private async Task WriteAsync(PackBuffer buffer)
    {
        try
        {
            await buffer.FinishAsync(); // from here on nobody else touches its memory
            ThrowIfBroken();
            await store.WriteAsync(Names.Pack(buffer.Id), buffer.Memory.Memory[..buffer.Length], CancellationToken.None);
            _finished.Add(new FinishedPack(buffer.Id, buffer.Length, buffer.Entries));
        }
        catch (Exception e)
        {
            _fault ??= e;
            throw;
        }
        finally
        {
            _spare.Add(buffer.Memory);
            _buffers.Release();
        }
    }

    /// <summary>A pack that was not written holds chunks that others were told are stored: nothing more is promised.</summary>
    private void ThrowIfBroken()
    {
        if (_fault is { } fault) ExceptionDispatchInfo.Throw(fault);
    }

    /// <summary>Writes what is in memory and waits until all packs are durable.</summary>
    public async Task FlushAsync(CancellationToken cancellation)
    {
        Task[] writing;
        lock (_gate)
        {
            BeginWrite();
            writing = [.. _writing];
        }
        await Task.WhenAll(writing).WaitAsync(cancellation);
        ThrowIfBroken();
    }

    /// <summary>Takes the finished packs.</summary>
    public IReadOnlyList<FinishedPack> TakeFinished()
    {
        var taken = new List<FinishedPack>();
        while (_finished.TryTake(out var pack)) taken.Add(pack);
        return taken;
    }

    public async ValueTask DisposeAsync()
    {
        Task[] writing;
        lock (_gate) writing = [.. _writing];
        // Whoever flushed was told of a fault; nobody else needs these packs.
        await Task.WhenAll(writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _buffers.Dispose();
        if (_current is { } left) ((IDisposable)left.Memory).Dispose();
        foreach (IDisposable memory in _spare) memory.Dispose();
    }
}
