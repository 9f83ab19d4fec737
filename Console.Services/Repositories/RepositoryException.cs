using Quarterdeck.Platform;

namespace Quarterdeck.Repositories;

/// <summary>Why a repository cannot do what was asked.</summary>
public enum RepositoryFault
{
    /// <summary>It cannot be reached; trying again later may help.</summary>
    Unreachable,
    /// <summary>No room is left.</summary>
    Full,
    /// <summary>It does not accept writes.</summary>
    ReadOnly,
    /// <summary>The key does not open it.</summary>
    WrongKey,
    /// <summary>Its format is newer than this console, or not one at all.</summary>
    WrongFormat,
    /// <summary>Chunks, packs or indexes are missing or altered.</summary>
    Damaged,
    /// <summary>It is append-only.</summary>
    AppendOnly,
    /// <summary>Another console, or an operation here, holds a lock that excludes this.</summary>
    Locked,
    /// <summary>The session was idle for so long that others declared it dead; begin again.</summary>
    SessionLost,
}

/// <summary>An expected fault of a repository, with the remedy in words.</summary>
public sealed class RepositoryException(RepositoryFault fault, string detail, Exception? inner = null) : ProblemException(ProblemOf(fault, detail), inner)
{
    /// <summary>What it is about.</summary>
    public RepositoryFault Fault => fault;

    /// <summary>Whether trying again later may help.</summary>
    public bool Transient => fault is RepositoryFault.Unreachable or RepositoryFault.Locked;

    private static Problem ProblemOf(RepositoryFault fault, string detail) => fault switch
    {
        RepositoryFault.Unreachable => Problem.Unavailable("The repository cannot be reached", detail),
        RepositoryFault.Full => Problem.Conflict("The repository is full", detail),
        RepositoryFault.ReadOnly => Problem.Conflict("The repository does not accept writes", detail),
        RepositoryFault.WrongKey => Problem.Conflict("The key does not open the repository", detail),
        RepositoryFault.WrongFormat => Problem.Conflict("The repository's format is not known", detail),
        RepositoryFault.Damaged => Problem.Conflict("The repository is damaged", detail),
        RepositoryFault.AppendOnly => Problem.Conflict("The repository is append-only", detail),
        RepositoryFault.Locked => Problem.Conflict("The repository is in use", detail),
        _ => Problem.Conflict("The session with the repository was lost", detail),
    };
}
