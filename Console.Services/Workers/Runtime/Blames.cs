namespace Quarterdeck.Workers.Runtime;

/// <summary>On whom the last ends of a compute server's process were put, by the generation that ended. One thread writes, any reads.</summary>
internal sealed class Blames
{
    // A request that comes back asks about the end that it has just met; more than a few ends in between cannot happen.
    private const int Kept = 8;

    private volatile (int Generation, WorkerKey Key)[] _last = [];

    public void Note(int generation, WorkerKey key) => _last = [(generation, key), .. _last.Take(Kept - 1)];

    public WorkerKey? Of(int generation)
    {
        foreach (var (ended, key) in _last)
            if (ended == generation) return key;
        return null;
    }
}
