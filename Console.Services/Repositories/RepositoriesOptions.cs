using Microsoft.Extensions.Options;

namespace Quarterdeck.Repositories;

/// <summary>Settings under <c>Quarterdeck:Repositories</c>.</summary>
public sealed class RepositoriesOptions
{
    /// <summary>Whether a first repository in the data folder's <c>repository</c> is made on the very first start.</summary>
    public bool FirstRepository { get; set; } = true;

    /// <summary>Whether S3 endpoints may have loopback, link-local or private addresses.</summary>
    public bool AllowPrivateEndpoints { get; set; }

    /// <summary>Minutes between two looks at each repository.</summary>
    public int LookMinutes { get; set; } = 15;

    /// <summary>MiB of a pack in a new local repository.</summary>
    public int LocalPackMiB { get; set; } = 32;

    /// <summary>MiB of a pack in a new S3 repository.</summary>
    public int S3PackMiB { get; set; } = 16;

    /// <summary>Days of growth that are kept.</summary>
    public int SampleDays { get; set; } = 730;
}

/// <summary>Refuses settings that cannot work, when the console starts.</summary>
internal sealed class RepositoriesOptionsValidator : IValidateOptions<RepositoriesOptions>
{
    public ValidateOptionsResult Validate(string? name, RepositoriesOptions options)
    {
        var errors = new List<string>();
        Between(options.LookMinutes, 1, 1440, nameof(options.LookMinutes));
        Between(options.LocalPackMiB, 1, 256, nameof(options.LocalPackMiB));
        Between(options.S3PackMiB, 1, 256, nameof(options.S3PackMiB));
        Between(options.SampleDays, 1, 3650, nameof(options.SampleDays));
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);

        void Between(int value, int least, int most, string key)
        {
            if (value < least || value > most) errors.Add($"Quarterdeck:Repositories:{key}: {value} is not between {least} and {most}. Example: Quarterdeck__Repositories__{key}={least}");
        }
    }
}
