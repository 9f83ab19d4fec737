using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Repositories;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Registry;
using Quarterdeck.Secrets;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers.Bindings.Buckets;

namespace Quarterdeck.Tests.Workers.Bindings;

/// <summary>A bucket over a fresh database, in a repository in a folder or an S3 service.</summary>
internal sealed class BucketLab : IAsyncDisposable
{
    private readonly WorkersRoom _room;
    private readonly TestRepository _repository;

    private BucketLab(WorkersRoom room, TestRepository repository) => (_room, _repository) = (room, repository);

    public string Folder => _repository.Folder;
    public HandTime Time { get; } = new(new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero));
    public BucketStore Buckets { get; private set; } = null!;
    public UploadIndex Uploads { get; private set; } = null!;
    public PartStore Parts { get; private set; } = null!;
    public BucketObjects Objects { get; private set; } = null!;
    public BucketRow Bucket { get; private set; } = null!;
    public Guid RepositoryId { get; private set; }

    public WasteSweep Sweep => new(Uploads, Parts, Time, NullLogger<WasteSweep>.Instance);

    public static async Task<BucketLab> OpenAsync(DatabaseEngine engine, bool encrypted = false, S3Server? s3 = null, long? limit = null)
    {
        var key = encrypted ? RepositoryKey.New() : null;
        var lab = new BucketLab(await WorkersRoom.OpenAsync(engine), new TestRepository { Key = key });
        var places = new RepositoryPlaces(lab._room.Get<SecretBox>(), lab._room.Get<ConsoleOptions>(), Options.Create(new RepositoriesOptions { AllowPrivateEndpoints = true }));
        var place = s3 is null ? new PlaceSettings(Folder: lab.Folder) : new PlaceSettings(Endpoint: s3.Endpoint.ToString(), Bucket: S3Server.Bucket, Prefix: "r", Region: "us-east-1");
        var secrets = new PlaceSecrets(key?.ToString(), S3Server.AccessKey, S3Server.SecretKey);
        await using (var files = await RepositoryFiles.CreateAsync(places.Store(place, secrets), new NewRepository(), key, TimeProvider.System, default))
        {
            var row = new RepositoryRow
            {
                Id = Guid.CreateVersion7(), Name = "Store", Kind = s3 is null ? "local" : "s3", Location = files.Store.Location, Settings = JsonSerializer.Serialize(place, Json.Options), Secrets = places.Protect(secrets),
                RepositoryId = files.Config.Id, Encrypted = encrypted, AppendOnly = false, State = "ready", CreatedAt = DateTimeOffset.UtcNow,
            };
            var repositories = lab._room.Get<RepositoryStore>();
            (await repositories.AddAsync(row, default)).ShouldBeTrue();
            lab.RepositoryId = row.Id;
            lab.Buckets = new BucketStore(lab._room.Db, lab.Time);
            lab.Uploads = new UploadIndex(lab._room.Db, lab.Time);
            lab.Parts = new PartStore(new RepositoryObjectPlaces(repositories, places), lab.Uploads);
            lab.Objects = new BucketObjects(new BucketIndex(lab._room.Db, lab.Time), lab.Uploads, lab.Parts, lab.Time);
        }
        await lab.Buckets.PutAsync("files", lab.RepositoryId, limit, _ => Task.CompletedTask, default);
        await lab.RefreshAsync();
        return lab;
    }

    public async Task<BucketRow> RefreshAsync() => Bucket = (await Buckets.FindAsync("files", default))!;

    public Task<Result<BucketObject?>> PutAsync(string key, string text, PutOptions? options = null) => PutAsync(key, Encoding.UTF8.GetBytes(text), options);

    public Task<Result<BucketObject?>> PutAsync(string key, byte[] content, PutOptions? options = null) => Objects.PutAsync(Bucket, key, new MemoryStream(content), options ?? new PutOptions(), default);

    public async Task<byte[]?> ReadAsync(string key, long offset = 0, long? length = null)
    {
        if (await Objects.FindAsync(Bucket, key, default) is not { } found) return null;
        using var into = new MemoryStream();
        await using var content = Objects.Open(Bucket, found, offset, length ?? found.Bytes - offset);
        await content.CopyToAsync(into);
        return into.ToArray();
    }

    /// <summary>Files of objects in the repository's folder.</summary>
    public int Files() => Directory.Exists(Path.Combine(Folder, "objects")) ? Directory.GetFiles(Path.Combine(Folder, "objects"), "*", SearchOption.AllDirectories).Length : 0;

    public async ValueTask DisposeAsync()
    {
        await Parts.DisposeAsync();
        await _room.DisposeAsync();
        _repository.Dispose();
    }
}
