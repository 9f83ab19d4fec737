namespace Quarterdeck.Repositories.Objects;

/// <summary>Turns what the file system says into a repository's faults.</summary>
internal static class Faults
{
    private const int NoSpace = 28, Quota = 122, ReadOnlySystem = 30;

    /// <summary>Whether it says that there is no room.</summary>
    public static bool IsFull(IOException e) => e.HResult is NoSpace or Quota;

    /// <summary>Runs file work.</summary>
    public static async Task<T> OfFileAsync<T>(string root, Func<Task<T>> work)
    {
        try { return await work(); }
        catch (IOException e) when (IsFull(e)) { throw new RepositoryException(RepositoryFault.Full, $"No room is left in {root}. Make room, or remove points and collect.", e); }
        catch (IOException e) when (e.HResult is ReadOnlySystem) { throw ReadOnly(root, e); }
        catch (UnauthorizedAccessException e) { throw ReadOnly(root, e); }
        catch (IOException e) { throw new RepositoryException(RepositoryFault.Unreachable, $"{root}: {e.Message} Check that the disk or share is mounted.", e); }
    }

    private static RepositoryException ReadOnly(string root, Exception e) =>
        new(RepositoryFault.ReadOnly, $"{root} cannot be written, or not be read: {e.Message} Check its permissions, and whether it is mounted read-only.", e);
}
