using Microsoft.Extensions.Options;

namespace Quarterdeck.Workers;

/// <summary>Settings under <c>Quarterdeck:Workers</c>. Limits of workers are no setting of a node: an administrator sets them for all, on the page or by REST.</summary>
public sealed class WorkersOptions
{
    /// <summary>Most bytes of one upload with its static files, 1 MiB to 1 GiB.</summary>
    public long UploadBytes { get; set; } = 256L << 20;

    /// <summary>Versions of a worker that are kept; older ones that no deployment of the last ten names are removed. 2 to 10,000.</summary>
    public int KeepVersions { get; set; } = 200;

    /// <summary>Host names that are the console's own and can be no zone, besides those it listens on.</summary>
    public IList<string> OwnHostnames { get; set; } = [];
}

/// <summary>Refuses settings that cannot work, when the console starts.</summary>
internal sealed class WorkersOptionsValidator : IValidateOptions<WorkersOptions>
{
    public ValidateOptionsResult Validate(string? name, WorkersOptions options)
    {
        var errors = new List<string>();
        if (options.UploadBytes is < 1 << 20 or > 1 << 30) errors.Add($"Quarterdeck:Workers:UploadBytes: {options.UploadBytes} is not between 1048576 and 1073741824. Example: Quarterdeck__Workers__UploadBytes=268435456");
        if (options.KeepVersions is < 2 or > 10_000) errors.Add($"Quarterdeck:Workers:KeepVersions: {options.KeepVersions} is not between 2 and 10000. Example: Quarterdeck__Workers__KeepVersions=200");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
