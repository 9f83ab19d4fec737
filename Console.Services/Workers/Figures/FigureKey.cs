namespace Quarterdeck.Workers.Figures;

/// <summary>A version of a worker, by number.</summary>
internal readonly record struct FigureKey(long Serial, int Version);
