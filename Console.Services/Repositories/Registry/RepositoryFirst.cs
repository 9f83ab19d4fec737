using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Quarterdeck.Access;
using Quarterdeck.Platform;

namespace Quarterdeck.Repositories.Registry;

/// <summary>The repository that is there from the very first start, in the data folder.</summary>
internal sealed partial class RepositoryFirst(RepositoryStore store, RepositoryAdmission admission, AuditLog audit, ConsoleOptions console, IOptions<RepositoriesOptions> options, ILogger<RepositoryFirst> logger)
{
    public const string Name = "Local";

    /// <summary>Makes it, or adopts what is there; only once ever, so that one who forgets it is not given it again.</summary>
    public async Task AddAsync(CancellationToken cancellation)
    {
        var folder = Path.Combine(console.DataFolder, "repository");
        if (!options.Value.FirstRepository || !await store.SeedAsync(folder, cancellation)) return;
        var admitted = await admission.AdmitAsync(new AddRepository { Name = Name, Kind = RepositoryKind.Local, Location = folder }, cancellation);
        if (!admitted.TryGet(out var made, out var problem))
        {
            Log.Refused(logger, folder, problem.Detail);
            return;
        }
        if (!await store.AddAsync(made.Row, cancellation)) return;
        await audit.WriteAsync(Caller.System, "repository.add", $"repository:{made.Row.Id:D}", Name, null, new { made.Row.Name, made.Row.Kind, made.Row.Location, made.Adopted }, cancellation);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The first repository in {Folder} was not made: {Why}")]
        public static partial void Refused(ILogger logger, string folder, string why);
    }
}
