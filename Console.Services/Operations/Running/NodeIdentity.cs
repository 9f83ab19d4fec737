using Microsoft.Extensions.Options;
using Quarterdeck.Database;

namespace Quarterdeck.Operations.Running;

/// <summary>Who this process is among the nodes.</summary>
/// <remarks>The name is for people and stays over restarts; the token is new at each start, and after the others gave this node up.</remarks>
internal sealed class NodeIdentity(IOptions<OperationsOptions> options, Db db)
{
    private volatile Tuple<Guid> _token = new(Guid.NewGuid());

    public string Name { get; } = options.Value.Node ?? (db.Dialect.Engine is DatabaseEngine.Sqlite
        ? Environment.MachineName : $"{Environment.MachineName}-{Environment.ProcessId}");

    public Guid Token => _token.Item1;

    public void Renew() => _token = new(Guid.NewGuid());
}
