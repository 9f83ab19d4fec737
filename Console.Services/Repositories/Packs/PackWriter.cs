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
    private const int WritingAtOnce = 2;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _places = new(WritingAtOnce);
    private readonly ConcurrentBag<byte[]> _spare = [];
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
        PackBuffer? full = null;
        PackBuffer buffer;
        RecordPlace place;
        lock (_gate)
        {
            buffer = _current ??= NewBuffer();
            if (!buffer.TryReserve(id, coded.Length + coder.Seal.RecordOverhead, kind, coding, out place))
            {
                full = buffer;
                buffer = _current = NewBuffer();
                buffer.TryReserve(id, coded.Length + coder.Seal.RecordOverhead, kind, coding, out place);
            }
        }
        try { coder.Write(buffer.Bytes.AsSpan(place.Offset, place.Length), id, coded.Span, raw, place, buffer.Key); }
        finally { buffer.Release(); }
        Interlocked.Add(ref _written, place.Length);
        if (full is not null) await BeginWriteAsync(full, cancellation);
    }

    private PackBuffer NewBuffer() => new(repository, Guid.NewGuid(), _spare.TryTake(out var bytes) ? bytes : GC.AllocateUninitializedArray<byte>(PackBuffer.Room(target)), target, coder.Seal);

    /// <summary>Whoever fills a pack waits until a place for writing is free: memory stays bounded by the slowest store.</summary>
    private async Task BeginWriteAsync(PackBuffer buffer, CancellationToken cancellation)
    {
        buffer.Release();
        // Once begun it is written whatever happens to the caller: others' chunks are in it, too.
        var turn = _places.WaitAsync(CancellationToken.None);
        var writing = WriteAsync(buffer, turn);
        lock (_gate)
        {
            _writing.RemoveAll(task => task.IsCompletedSuccessfully);
            _writing.Add(writing);
        }
        await turn.WaitAsync(cancellation);
    }

    private async Task WriteAsync(PackBuffer buffer, Task turn)
    {
        await turn;
        try
        {
            ThrowIfBroken();
            await buffer.FinishAsync();
            await store.WriteAsync(Names.Pack(buffer.Id), buffer.Bytes.AsMemory(0, buffer.Length), CancellationToken.None);
            _finished.Add(new FinishedPack(buffer.Id, buffer.Length, buffer.Entries));
            _spare.Add(buffer.Bytes);
        }
        catch (Exception e)
        {
            _fault ??= e;
            throw;
        }
        finally { _places.Release(); }
    }

    /// <summary>A pack that was not written holds chunks that others were told are stored: nothing more is promised.</summary>
    private void ThrowIfBroken()
    {
        if (_fault is { } fault) ExceptionDispatchInfo.Throw(fault);
    }

    /// <summary>Writes what is in memory and waits until all packs are durable.</summary>
    public async Task FlushAsync(CancellationToken cancellation)
    {
        PackBuffer? last;
        lock (_gate) (last, _current) = (_current, null);
        if (last is not null) await BeginWriteAsync(last, cancellation);
        Task[] writing;
        lock (_gate) writing = [.. _writing];
        await Task.WhenAll(writing);
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
        _places.Dispose();
    }
}
