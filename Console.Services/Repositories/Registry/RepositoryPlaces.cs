using System.Text.Json;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;
using Quarterdeck.Secrets;

namespace Quarterdeck.Repositories.Registry;

/// <summary>From stored rows to open repositories.</summary>
internal sealed class RepositoryPlaces(SecretBox box, ConsoleOptions console, IOptions<RepositoriesOptions> options)
{
    private const string Purpose = "repositories.secrets";

    public string CacheFolder(Guid repository) => Path.Combine(console.DataFolder, "cache", "repositories", repository.ToString("D"));

    public string Protect(PlaceSecrets secrets) => box.Protect(Purpose, JsonSerializer.Serialize(secrets, Json.Options));

    public PlaceSecrets Secrets(RepositoryRow row) => row.Secrets is null ? new PlaceSecrets() : JsonSerializer.Deserialize<PlaceSecrets>(box.Unprotect(Purpose, row.Secrets), Json.Options)!;

    /// <summary>The objects of a place.</summary>
    public IObjectStore Store(PlaceSettings place, PlaceSecrets secrets) => place.Folder is { } folder
        ? new LocalStore(folder)
        : new S3Store(new S3Place(new Uri(place.Endpoint!), place.Bucket!, place.Prefix ?? "", place.Region ?? "us-east-1", secrets.AccessKey ?? "", secrets.SecretKey ?? ""), options.Value.AllowPrivateEndpoints);

    /// <summary>Opens a configured repository, without a session.</summary>
    /// <exception cref="RepositoryException">It does not open, or another one lies there now.</exception>
    public async Task<RepositoryFiles> OpenAsync(RepositoryRow row, CancellationToken cancellation)
    {
        PlaceSecrets secrets;
        try { secrets = Secrets(row); }
        catch (SecretUnreadableException e) { throw new RepositoryException(RepositoryFault.WrongKey, e.Message, e); }
        var store = Store(row.Place, secrets);
        try
        {
            var files = await RepositoryFiles.OpenAsync(store, secrets.Key is { } key ? RepositoryKey.Parse(key) : null, cancellation);
            return files.Config.Id == row.RepositoryId ? files
                : throw new RepositoryException(RepositoryFault.WrongFormat, $"{store.Location} holds the repository {files.Config.Id:D} now, not {row.RepositoryId:D}. Forget this one and add that one.");
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }
}
