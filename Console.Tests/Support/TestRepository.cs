using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;

namespace Quarterdeck.Tests.Support;

/// <summary>A repository in a folder of its own, without a console.</summary>
internal sealed class TestRepository : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("qd-repository-");

    public string Folder => _folder.FullName;

    /// <summary>Set for an encrypted one, before it is opened for the first time.</summary>
    public RepositoryKey? Key { get; init; }

    public NewRepository Options { get; init; } = new();

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Begins a session; the repository is made when it is not there.</summary>
    public async Task<Repository> OpenAsync(string? cacheFolder = null) => await Repository.OpenAsync(await FilesAsync(), "test", cacheFolder, Time, CancellationToken.None);

    /// <summary>Opens it without a session.</summary>
    public async Task<RepositoryFiles> FilesAsync()
    {
        var store = new LocalStore(Folder);
        return await RepositoryFiles.FindAsync(store, CancellationToken.None) is null
            ? await RepositoryFiles.CreateAsync(store, Options, Key, Time, CancellationToken.None)
            : await RepositoryFiles.OpenAsync(store, Key, CancellationToken.None);
    }

    /// <summary>A chunk of bytes that do not compress, always the same for a seed.</summary>
    public static byte[] Chunk(int seed)
    {
        var bytes = new byte[Repository.ChunkSize];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>A point of one disk.</summary>
    public static PointManifest Point(RootHash root, long size, Guid? id = null, DateTimeOffset? at = null) => new()
    {
        Id = id ?? Guid.CreateVersion7(),
        VmId = Guid.Parse("0199aaaa-0000-7000-8000-000000000001"),
        VmName = "web",
        HostName = "local",
        CreatedAt = at ?? DateTimeOffset.UtcNow,
        Kind = PointKind.Full,
        Consistency = PointConsistency.Crash,
        DomainXml = "<domain/>",
        Disks = [new PointDisk("vda", "/images/web.qcow2", "qcow2", size, root)],
        Counters = new PointCounters(size, size, 0, 0, 0, 1),
    };

    public void Dispose() => _folder.Delete(recursive: true);
}
