namespace Quarterdeck.Workers.Objects;

/// <summary>What durable objects may take, from <c>Quarterdeck:Workers:Objects</c>.</summary>
/// <param name="ObjectMiB">Most MiB of one object's database.</param>
internal sealed record ObjectOptions(long ObjectMiB = 1024);
