using System.Threading.Channels;
using Quarterdeck.Platform;

namespace Quarterdeck.Restores.Files;

/// <summary>What an entry of a folder told, and whether there is more.</summary>
/// <param name="Entries">In the file system's own order.</param>
/// <param name="More">There is more than was wanted.</param>
/// <param name="Damaged">The folder could not be read to its end.</param>
internal sealed record GuestFolder(List<GuestEntry> Entries, bool More, bool Damaged);

/// <summary>A running file VM, asked about the volumes of its disks. Answers are untrusted: what is out of form ends it.</summary>
internal sealed class FileVm(FileVmProcess process) : IAsyncDisposable
{
    private const int Batch = 5000, Visits = 200_000, SearchSeconds = 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90), FirstPatience = TimeSpan.FromSeconds(120);
    private readonly Channel<FileVmChannel> _lines = Lines(process.Lines);

    /// <summary>The volumes; the first question that it answers, once it is up.</summary>
    /// <exception cref="ProblemException">It did not come up.</exception>
    public async Task<IReadOnlyList<GuestVolume>> VolumesAsync(CancellationToken cancellation)
    {
        var (_, content) = await WithLineAsync(line => AskAsync(line, GuestQuestions.Volumes(), FirstPatience), cancellation);
        return Read(() =>
        {
            var answers = new GuestAnswers(content);
            var volumes = new List<GuestVolume>();
            while (answers.More && volumes.Count < 1000) volumes.Add(answers.Volume((ushort)volumes.Count));
            return volumes;
        });
    }

    /// <summary>A folder.</summary>
    /// <exception cref="ProblemException">It cannot be read.</exception>
    public Task<GuestFolder> ListAsync(GuestVolume volume, byte[] path, int most, CancellationToken cancellation) => WithLineAsync(async line =>
    {
        var entries = new List<GuestEntry>();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var content = await RequireAsync(line, GuestQuestions.List(volume.Index, path, entries.Count, Math.Min(Batch, most - entries.Count)), volume, path);
            var before = entries.Count;
            var flag = Entries(content, entries, below: false);
            if (entries.Count > most) throw Broken("It sent more than it was asked for.");
            if (flag != 1 || entries.Count >= most || entries.Count == before) return new GuestFolder(entries, flag == 1, flag == 2);
        }
    }, cancellation);

    /// <summary>Entries of a folder, or of all below it as well, whose names have a part, in any case.</summary>
    /// <exception cref="ProblemException">It cannot be read.</exception>
    public async Task<GuestFolder> FindAsync(GuestVolume volume, byte[] path, byte[] part, bool below, int most, CancellationToken cancellation)
    {
        var content = await WithLineAsync(line => RequireAsync(line, GuestQuestions.Find(volume.Index, path, part, below, most, Visits, SearchSeconds), volume, path), cancellation);
        var entries = new List<GuestEntry>();
        return new GuestFolder(entries, Entries(content, entries, below: true) != 0, false);
    }

    /// <summary>What is at a path.</summary>
    /// <exception cref="ProblemException">Nothing, or it cannot be read.</exception>
    public async Task<GuestEntry> StatAsync(GuestVolume volume, byte[] path, CancellationToken cancellation)
    {
        var content = await WithLineAsync(line => RequireAsync(line, GuestQuestions.Stat(volume.Index, path), volume, path), cancellation);
        // The root has no name.
        return Read(() => path.AsSpan().TrimEnd((byte)'/').Length == 0
            ? new GuestEntry(EntryKind.Folder, false, 493, 0, 0, 0, 0, 0, 0, [], [])
            : new GuestAnswers(content).Entry(below: false));
    }

    /// <summary>Content of a file; shorter than asked for at its end only.</summary>
    /// <exception cref="ProblemException">It cannot be read.</exception>
    public async Task<byte[]> ReadAsync(GuestVolume volume, byte[] path, long offset, int length, CancellationToken cancellation)
    {
        var content = await WithLineAsync(line => RequireAsync(line, GuestQuestions.Read(volume.Index, path, offset, length), volume, path), cancellation);
        return content.Length <= length ? content : throw Broken("It sent more than it was asked for.");
    }

    public ValueTask DisposeAsync() => process.DisposeAsync();

    private async Task<T> WithLineAsync<T>(Func<FileVmChannel, Task<T>> work, CancellationToken cancellation)
    {
        var line = await _lines.Reader.ReadAsync(cancellation);
        try { return await work(line); }
        finally { _lines.Writer.TryWrite(line); }
    }

    private async Task<(byte Status, byte[] Content)> AskAsync(FileVmChannel line, byte[] question, TimeSpan patience)
    {
        try { return await line.AskAsync(question, patience); }
        catch (GuestFault e) { throw Broken(e.Message); }
    }

    private async Task<byte[]> RequireAsync(FileVmChannel line, byte[] question, GuestVolume volume, byte[] path)
    {
        var (status, content) = await AskAsync(line, question, Patience);
        return status == 0 ? content : throw new ProblemException(GuestErrors.Problem(status, volume, path));
    }

    private byte Entries(byte[] content, List<GuestEntry> into, bool below) => Read(() =>
    {
        var answers = new GuestAnswers(content);
        var flag = answers.Byte();
        while (answers.More) into.Add(answers.Entry(below));
        return flag;
    });

    private T Read<T>(Func<T> read)
    {
        try { return read(); }
        catch (GuestFault e) { throw Broken(e.Message); }
    }

    private ProblemException Broken(string why) => new(process.Fail(why));

    private static Channel<FileVmChannel> Lines(IEnumerable<FileVmChannel> lines)
    {
        var channel = Channel.CreateUnbounded<FileVmChannel>();
        foreach (var line in lines) channel.Writer.TryWrite(line);
        return channel;
    }
}
