using System.Net;
using System.Text.Json;
using Quarterdeck.Repositories;
using Quarterdeck.Tests.Integration.RunningConsole;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>A console that adopted a repository with recovery points of disks that no VM ever had: what is in them is known.</summary>
internal sealed class FileLab : IAsyncDisposable
{
    private readonly TestRepository _home = new();

    private FileLab(TestConsole console) => (Console, Rest) = (console, new RestClient(console.Url, TestConsole.Token));

    public FileImages Images { get; } = new();
    public TestConsole Console { get; }
    public RestClient Rest { get; }
    public string RepositoryId { get; private set; } = "";
    public string RepositoryFolder => _home.Folder;

    public static async Task<FileLab> StartAsync(IReadOnlyDictionary<string, string>? settings = null, string? data = null) => new(await TestConsole.StartAsync(settings, data: data));

    /// <summary>Makes a point of these disks, by target; they are read once, and may change afterwards.</summary>
    public async Task<string> PointAsync(params (string Target, string Image)[] disks)
    {
        PointManifest point;
        await using (var session = await _home.OpenAsync())
        {
            var stored = new List<PointDisk>();
            foreach (var (target, image) in disks)
            {
                var bytes = await File.ReadAllBytesAsync(image);
                var index = session.NewIndex(bytes.Length, null);
                var chunk = new byte[Repository.ChunkSize];
                for (var at = 0; at < bytes.Length; at += Repository.ChunkSize)
                {
                    var part = bytes.AsMemory(at, Math.Min(Repository.ChunkSize, bytes.Length - at));
                    if (!part.Span.ContainsAnyExcept((byte)0)) continue;
                    chunk.AsSpan().Clear();
                    part.CopyTo(chunk);
                    index.Set(at / Repository.ChunkSize, (await session.StoreAsync(chunk.ToArray(), default)).Id);
                }
                stored.Add(new PointDisk(target, image, "raw", bytes.Length, await index.CompleteAsync(default)));
            }
            point = TestRepository.Point(stored[0].Root, stored[0].SizeBytes) with { Disks = stored };
            await session.CommitPointAsync(point, default);
        }
        if (RepositoryId.Length == 0)
        {
            var (status, added) = await Rest.SentAsync(HttpMethod.Post, "/repositories", new { name = "files", kind = "local", location = RepositoryFolder });
            status.ShouldBe(HttpStatusCode.Created, added.ToString());
            RepositoryId = added.GetProperty("id").GetString()!;
        }
        await Console.App.Services.GetService(typeof(Quarterdeck.Backups.RecoveryPoints)).ShouldBeOfType<Quarterdeck.Backups.RecoveryPoints>().RereadAsync(Quarterdeck.Access.Caller.System, Guid.Parse(RepositoryId), default);
        return point.Id.ToString();
    }

    /// <summary>A folder's entries by name.</summary>
    public async Task<Dictionary<string, JsonElement>> ListAsync(string point, string volume, string path = "/", string more = "") =>
        (await Rest.GetAsync($"/recovery-points/{point}/files?volume={Uri.EscapeDataString(volume)}&path={Uri.EscapeDataString(path)}&pageSize=500{more}"))
            .GetProperty("items").EnumerateArray().ToDictionary(e => more.Contains("below", StringComparison.Ordinal) ? e.GetProperty("path").GetString()! : e.GetProperty("name").GetString()!);

    /// <summary>A download.</summary>
    public Task<HttpResponseMessage> DownloadAsync(string point, string volume, string path) =>
        Console.Rest.GetAsync($"/api/v1/recovery-points/{point}/files/content?volume={Uri.EscapeDataString(volume)}&path={Uri.EscapeDataString(path)}");

    public async ValueTask DisposeAsync()
    {
        Rest.Dispose();
        await Console.DisposeAsync();
        Images.Dispose();
        _home.Dispose();
    }
}
