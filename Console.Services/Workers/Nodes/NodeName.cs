using Microsoft.Extensions.Options;
using Quarterdeck.Operations;

namespace Quarterdeck.Workers.Nodes;

/// <summary>Who this node is to the others.</summary>
internal sealed class NodeName(IOptions<OperationsOptions> operations)
{
    /// <summary>This start of this process: two consoles on one machine have one name, but not one id.</summary>
    public string Id { get; } = Guid.NewGuid().ToString("N");

    /// <summary>As people call it.</summary>
    public string Name { get; } = operations.Value.Node ?? Environment.MachineName;
}
