using Quarterdeck.Platform;

namespace Quarterdeck.Appliances.Ova;

/// <summary>The upload: counted for the progress, and cut off at a limit.</summary>
internal sealed class CountingStream(Stream source, long limit, Action<long> progress) : ForwardStream
{
    private long _count;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await source.ReadAsync(buffer, cancellationToken);
        _count += read;
        if (_count > limit) throw new ProblemException(Problem.TooLarge($"The package has more than {limit} bytes. An administrator can raise Quarterdeck:Appliances:MaxPackageBytes."));
        progress(_count);
        return read;
    }

    public override long Position { get => _count; set => throw new NotSupportedException(); }
}
