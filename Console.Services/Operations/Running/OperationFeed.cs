using Quarterdeck.Events;

namespace Quarterdeck.Operations.Running;

/// <summary>Tells the live stream which operations changed; the stream loads each once, however often it changed meanwhile.</summary>
internal sealed class OperationFeed(EventStream<OperationInfo> stream)
{
    public void Changed(Guid id) => stream.Changed(id.ToString());

    public void Changed(IReadOnlyList<Guid> ids) => stream.Changed([.. ids.Select(i => i.ToString())]);

    public void Removed(IReadOnlyList<Guid> ids) => stream.Remove([.. ids.Select(i => i.ToString())]);
}
