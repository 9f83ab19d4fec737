using Quarterdeck.Platform;

namespace Quarterdeck.Restores;

/// <summary>A download that is ready to be sent.</summary>
public sealed class FileDownload
{
    private readonly Func<Stream, CancellationToken, Task> _send;

    internal FileDownload(string name, long? length, DateTimeOffset modifiedAt, Func<Stream, CancellationToken, Task> send) => (Name, Length, ModifiedAt, _send) = (name, length, modifiedAt, send);

    /// <summary>What the file should be called; never a path.</summary>
    public string Name { get; }

    /// <summary>Bytes; null for an archive, which is made while it is sent.</summary>
    public long? Length { get; }

    /// <summary>When the file was last changed.</summary>
    public DateTimeOffset ModifiedAt { get; }

    /// <summary>Sends it.</summary>
    /// <exception cref="ProblemException">Reading failed midway; what was sent is incomplete.</exception>
    public Task SendAsync(Stream target, CancellationToken cancellation) => _send(target, cancellation);
}
