using System.Text.Json;
using Microsoft.Extensions.Options;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Repositories.Crypto;
using Quarterdeck.Repositories.Format;
using Quarterdeck.Repositories.Objects;

namespace Quarterdeck.Repositories.Registry;

/// <summary>A repository that was made or adopted, ready to be written down.</summary>
internal sealed record Admitted(RepositoryRow Row, bool Adopted, string? NewKey);

/// <summary>Checks what is asked for, then makes a repository, or adopts the one that is there.</summary>
internal sealed class RepositoryAdmission(RepositoryPlaces places, IOptions<RepositoriesOptions> options, TimeProvider time)
{
    private const int MaxName = 100;

    public async Task<Result<Admitted>> AdmitAsync(AddRepository request, CancellationToken cancellation)
    {
        var errors = new List<FieldError>();
        var name = CheckName(request.Name, errors);
        var (place, secrets) = request.Kind is RepositoryKind.Local ? CheckLocal(request, errors) : CheckS3(request, errors);
        var key = CheckKey(request.Key, errors);
        if (errors.Count > 0) return Problem.Invalid(errors);
        var store = places.Store(place!, secrets);
        try
        {
            await using var files = await FindOrMakeAsync(store, request, place!, key, cancellation);
            var row = new RepositoryRow
            {
                Id = Guid.CreateVersion7(time.GetUtcNow()), Name = name!, Kind = request.Kind.ToColumn(), Location = store.Location, Settings = JsonSerializer.Serialize(place, Json.Options),
                Secrets = places.Protect(secrets with { Key = files.Key?.ToString() }), RepositoryId = files.Opened.Config.Id, Encrypted = files.Opened.Seal.Encrypts, AppendOnly = files.Opened.Config.AppendOnly,
                State = RepositoryState.Ready.ToColumn(), CreatedAt = time.GetUtcNow(),
            };
            return new Admitted(row, files.Adopted, files.Adopted || request.Key is { Length: > 0 } ? null : files.Key?.ToString());
        }
        catch (RepositoryException e) when (e.Fault is RepositoryFault.WrongKey) { return Problem.Invalid("key", $"It does not open the repository that is there. {e.Problem.Detail}", "Send the key of its recovery sheet."); }
        catch (RepositoryException e) { return e.Problem; }
        finally { await store.DisposeAsync(); }
    }

    private sealed record Made(RepositoryFiles Opened, bool Adopted, RepositoryKey? Key) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Opened.DisposeAsync();
    }

    private async Task<Made> FindOrMakeAsync(IObjectStore store, AddRepository request, PlaceSettings place, RepositoryKey? key, CancellationToken cancellation)
    {
        if (place.Folder is { } folder && !Directory.Exists(folder)) await Faults.OfFileAsync(folder, () => Task.FromResult(Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute)));
        if (await RepositoryFiles.FindAsync(store, cancellation) is { } there)
        {
            var opened = await RepositoryFiles.OpenAsync(store, key, cancellation);
            return new Made(opened, true, there.Encryption is null ? null : key);
        }
        if (place.Folder is { } used && Directory.EnumerateFileSystemEntries(used).FirstOrDefault(entry => Path.GetFileName(entry) != "lost+found") is { } stranger)
            throw new RepositoryException(RepositoryFault.Locked, $"{used} is not empty: it holds '{Path.GetFileName(stranger)}' and no repository. Choose an empty folder, or a new one.");
        var fresh = request.Encrypted || key is not null ? key ?? RepositoryKey.New() : null;
        var packBytes = (request.Kind is RepositoryKind.Local ? options.Value.LocalPackMiB : options.Value.S3PackMiB) << 20;
        return new Made(await RepositoryFiles.CreateAsync(store, new NewRepository(request.AppendOnly, packBytes), fresh, time, cancellation), false, fresh);
    }

    private static string? CheckName(string? name, List<FieldError> errors)
    {
        var trimmed = name?.Trim() ?? "";
        if (trimmed.Length is 0 or > MaxName) errors.Add(new FieldError("name", trimmed.Length == 0 ? "It is missing." : $"It has {trimmed.Length} characters.", $"Give 1 to {MaxName} characters."));
        else if (trimmed.Any(char.IsControl)) errors.Add(new FieldError("name", "It has control characters.", "Use printable characters."));
        return trimmed;
    }

    private static RepositoryKey? CheckKey(string? text, List<FieldError> errors)
    {
        if (string.IsNullOrWhiteSpace(text)) return null;
        var key = RepositoryKey.Parse(text);
        if (key is null) errors.Add(new FieldError("key", "It is no repository key: a letter is missing, or mistyped.", "Type it as on the recovery sheet: QDK1- and 14 groups of 4."));
        return key;
    }

    private static (PlaceSettings?, PlaceSecrets) CheckLocal(AddRepository request, List<FieldError> errors)
    {
        var folder = request.Location?.Trim() ?? "";
        if (!Path.IsPathRooted(folder) || folder.Contains('\0')) errors.Add(new FieldError("location", folder.Length == 0 ? "It is missing." : "It is not an absolute path.", "Give a folder of the console's machine, such as /srv/backup."));
        else
        {
            folder = Path.GetFullPath(folder).TrimEnd('/');
            if (folder.Length == 0) errors.Add(new FieldError("location", "It is the root folder.", "Give a folder of its own, such as /srv/backup."));
            else if (File.Exists(folder)) errors.Add(new FieldError("location", "It is a file.", "Give a folder."));
            // Only one level is made: a missing parent is a disk that is not mounted, or a slip of the keyboard.
            else if (!Directory.Exists(Path.GetDirectoryName(folder))) errors.Add(new FieldError("location", $"{Path.GetDirectoryName(folder)} is not there.", "Create it, or mount the disk."));
        }
        foreach (var (value, field) in new[] { (request.Endpoint, "endpoint"), (request.Bucket, "bucket"), (request.AccessKey, "accessKey") })
            if (!string.IsNullOrEmpty(value)) errors.Add(new FieldError(field, "It belongs to S3 repositories.", "Leave it out, or send kind s3."));
        return (new PlaceSettings(Folder: folder), new PlaceSecrets());
    }

    private static (PlaceSettings?, PlaceSecrets) CheckS3(AddRepository request, List<FieldError> errors)
    {
        if (!Uri.TryCreate(request.Endpoint?.Trim(), UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https") || endpoint.PathAndQuery != "/" || endpoint.UserInfo.Length > 0)
            errors.Add(new FieldError("endpoint", "It is missing or no http(s) address without a path.", "Give the service's address, such as https://s3.example.org."));
        var bucket = request.Bucket?.Trim() ?? "";
        if (bucket.Length is < 3 or > 63 || bucket.Any(c => !(char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.'))) errors.Add(new FieldError("bucket", "It is missing or no bucket's name.", "Give 3 to 63 lower-case letters, digits, dots and dashes."));
        var prefix = request.Prefix?.Trim().Trim('/') ?? "";
        if (prefix.Length > 200 || prefix.Split('/').Any(part => part is "." or "..") || prefix.Any(c => char.IsControl(c))) errors.Add(new FieldError("prefix", "It is too long, or not a plain path.", "Give up to 200 characters such as backup/site-1."));
        if (string.IsNullOrWhiteSpace(request.AccessKey)) errors.Add(new FieldError("accessKey", "It is missing.", "Give the access key's id."));
        if (string.IsNullOrWhiteSpace(request.SecretKey)) errors.Add(new FieldError("secretKey", "It is missing.", "Give the access key's secret."));
        if (!string.IsNullOrEmpty(request.Location)) errors.Add(new FieldError("location", "It belongs to local repositories.", "Send endpoint and bucket instead."));
        return (new PlaceSettings(Endpoint: endpoint?.ToString(), Bucket: bucket, Prefix: prefix, Region: string.IsNullOrWhiteSpace(request.Region) ? null : request.Region.Trim()), new PlaceSecrets(null, request.AccessKey?.Trim(), request.SecretKey?.Trim()));
    }
}
