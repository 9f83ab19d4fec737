using System.Threading.Channels;
using Quarterdeck.Operations.Store;

namespace Quarterdeck.Operations.Running;

/// <summary>Operations that may start, on their way to the job engine. In memory only: what a crash loses here, the sweep tells the engine again.</summary>
internal sealed class ReadyQueue
{
    private readonly Channel<Ready> _channel = Channel.CreateUnbounded<Ready>(new UnboundedChannelOptions { SingleReader = true });

    public ChannelReader<Ready> Reader => _channel.Reader;

    public void Add(params IEnumerable<Ready> ready)
    {
        foreach (var one in ready) _channel.Writer.TryWrite(one);
    }

    /// <summary>Nothing more comes; the reader ends after what is in it.</summary>
    public void Complete() => _channel.Writer.TryComplete();
}
