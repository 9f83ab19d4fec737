using System.Globalization;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform.Processes;
using Quarterdeck.Repositories;
using Quarterdeck.Restores;
using Quarterdeck.Restores.Disks;
using Quarterdeck.Restores.Journal;
using Quarterdeck.Restores.Run;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Restores;

/// <summary>A repository with two states of a disk, and an image file that holds the first of them.</summary>
internal sealed class RestoreGround : IAsyncDisposable
{
    private readonly TestRepository _home;
    private readonly string _folder = Directory.CreateTempSubdirectory("qd-restores-").FullName;
    private readonly ProcessRunner _runner = new();

    private RestoreGround(TestRepository home, Repository repository, byte[] common, byte[] point) => (_home, Repository, Common, Point) = (home, repository, common, point);

    public Repository Repository { get; private set; }

    /// <summary>What is on the disk at first.</summary>
    public byte[] Common { get; }

    /// <summary>What shall be on it.</summary>
    public byte[] Point { get; }

    public RestoreJournal Journal { get; private set; } = default!;

    public Transfer Transfer { get; } = new();

    public string Folder => _folder;

    public TestRepository Home => _home;

    public InPlaceWriting Writing => new(_runner, new ImageTool(_runner), Options.Create(new RestoresOptions { FlushMiB = 1 }));

    /// <summary>Makes one.</summary>
    /// <param name="format">Of the image.</param>
    /// <param name="seed">Of the content and of what differs.</param>
    /// <param name="size">Of the disk; need not be whole chunks.</param>
    public static async Task<RestoreGround> MakeAsync(string format, int seed, int size = (12 << 20) + 512)
    {
        var random = new Random(seed);
        var common = new byte[size];
        for (var at = 0; at < size; at += 1 << 20)
            if (random.Next(4) != 0) random.NextBytes(common.AsSpan(at, Math.Min(1 << 20, size - at)));
        var point = (byte[])common.Clone();
        for (var i = 0; i < 40; i++)
        {
            var at = random.Next(size);
            var length = Math.Min(size - at, 1 << random.Next(9, 19));
            if (random.Next(4) == 0) point.AsSpan(at, length).Clear();
            else random.NextBytes(point.AsSpan(at, length));
        }
        random.NextBytes(point.AsSpan(size - 100)); // the chunk that is cut off differs, too
        var home = new TestRepository();
        var ground = new RestoreGround(home, await home.OpenAsync(), common, point);
        var path = Path.Combine(ground._folder, "disk." + format);
        await ground.WriteImageAsync(path, format, common);
        var disk = new JournalDisk("vda", path, format, size, (await ground.StoreAsync(common)).Top.ToString(), (await ground.StoreAsync(point)).Top.ToString(), 0);
        await ground.Repository.FlushAsync(default);
        ground.Journal = new RestoreJournal(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), JournalPhase.Writing, [disk]);
        return ground;
    }

    /// <summary>A spool as a restore has it; small, so that its file is used, too.</summary>
    public ChunkSpool Spool() => new(Repository, 1 << 20, _folder, Transfer);

    /// <summary>What the image holds now.</summary>
    public async Task<byte[]> ContentAsync(string path, string format)
    {
        if (format == "raw") return await File.ReadAllBytesAsync(path);
        var raw = path + ".raw";
        await SystemLibvirt.RunAsync("qemu-img", "convert", "-f", format, "-O", "raw", path, raw);
        var content = await File.ReadAllBytesAsync(raw);
        File.Delete(raw);
        return content;
    }

    /// <summary>Ids of the disk servers that have this ground's files open.</summary>
    public IReadOnlyList<int> Servers() =>
    [
        .. from folder in Directory.EnumerateDirectories("/proc")
           let id = int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : 0
           where id > 0 && CommandOf(folder) is { } command && command.Contains("qemu-nbd", StringComparison.Ordinal) && command.Contains(_folder, StringComparison.Ordinal)
           select id,
    ];

    public async ValueTask DisposeAsync()
    {
        await Repository.DisposeAsync();
        _home.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task WriteImageAsync(string path, string format, byte[] content)
    {
        await File.WriteAllBytesAsync(path + ".raw", content);
        await SystemLibvirt.RunAsync("qemu-img", "convert", "-f", "raw", "-O", format, path + ".raw", path);
        File.Delete(path + ".raw");
    }

    private async Task<RootHash> StoreAsync(byte[] content)
    {
        var index = Repository.NewIndex(content.Length, null);
        var chunk = new byte[Repository.ChunkSize];
        for (var at = 0; at < content.Length; at += Repository.ChunkSize)
        {
            chunk.AsSpan().Clear();
            content.AsSpan(at, Math.Min(Repository.ChunkSize, content.Length - at)).CopyTo(chunk);
            var id = Repository.IdOf(chunk);
            await Repository.PutAsync(id, chunk.ToArray(), default);
            index.Set(at / Repository.ChunkSize, id);
        }
        return await index.CompleteAsync(default);
    }

    private static string? CommandOf(string folder)
    {
        try { return File.ReadAllText(folder + "/cmdline"); }
        catch (IOException) { return null; }
    }
}
