namespace Quarterdeck.Operations.Store;

/// <summary>UUIDv7 that also count up within a millisecond, so that what is queued first also comes first.</summary>
internal sealed class OperationIds(TimeProvider time)
{
    private readonly Lock _lock = new();
    private long _last;

    public Guid Next()
    {
        long stamp;
        lock (_lock)
            // 48 bits of milliseconds and 12 bits that count: a burst borrows from the coming milliseconds.
            stamp = _last = Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds() << 12, _last + 1);
        Span<byte> bytes = stackalloc byte[16];
        Guid.NewGuid().TryWriteBytes(bytes, bigEndian: true, out _);
        var milliseconds = stamp >> 12;
        for (var i = 5; i >= 0; i--, milliseconds >>= 8) bytes[i] = (byte)milliseconds;
        bytes[6] = (byte)(0x70 | ((stamp >> 8) & 0x0F));
        bytes[7] = (byte)stamp;
        return new Guid(bytes, bigEndian: true);
    }
}
