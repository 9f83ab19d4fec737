using System.Data.Common;

namespace Quarterdeck.Schedules;

/// <summary>A checked schedule of another room's object, ready to be written with it.</summary>
public sealed class OwnedSchedule
{
    private readonly Func<DbConnection, Task> _write;
    private readonly Action _tell;

    internal OwnedSchedule(Func<DbConnection, Task> write, Action tell) => (_write, _tell) = (write, tell);

    /// <summary>Writes it, in the transaction that writes the object.</summary>
    public Task WriteAsync(DbConnection connection) => _write(connection);

    /// <summary>Tells everybody; call after commit.</summary>
    public void Tell() => _tell();
}
