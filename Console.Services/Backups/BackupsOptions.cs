using Microsoft.Extensions.Options;

namespace Quarterdeck.Backups;

/// <summary>Settings under <c>Quarterdeck:Backups</c>.</summary>
public sealed class BackupsOptions
{
    /// <summary>Absolute folder for the sockets over which the disks of VMs that are off are read; empty for <c>/run/quarterdeck</c> (root) or <c>run</c> in the data folder.</summary>
    public string SocketFolder { get; set; } = "";

    /// <summary>Where libvirt keeps the state of virtual TPMs.</summary>
    public string TpmFolder { get; set; } = "/var/lib/libvirt/swtpm";

    /// <summary>Pieces of disk that are read and stored at the same time, 1 to 64; each takes 1 MiB of memory.</summary>
    public int Readers { get; set; } = 8;

    /// <summary>Seconds between two looks at the repositories for points that another console made or removed.</summary>
    public int RereadSeconds { get; set; } = 300;
}

/// <summary>Refuses settings that cannot work, when the console starts.</summary>
internal sealed class BackupsOptionsValidator : IValidateOptions<BackupsOptions>
{
    // What the kernel lets a socket's path have, less the names below the folder.
    private const int LongestFolder = 60;

    public ValidateOptionsResult Validate(string? name, BackupsOptions options)
    {
        var errors = new List<string>();
        if (options.SocketFolder.Length > 0 && (!Path.IsPathRooted(options.SocketFolder) || options.SocketFolder.Length > LongestFolder))
            errors.Add($"Quarterdeck:Backups:SocketFolder: '{options.SocketFolder}' is not an absolute path of at most {LongestFolder} characters. Example: Quarterdeck__Backups__SocketFolder=/run/quarterdeck");
        if (!Path.IsPathRooted(options.TpmFolder)) errors.Add($"Quarterdeck:Backups:TpmFolder: '{options.TpmFolder}' is not an absolute path. Example: Quarterdeck__Backups__TpmFolder=/var/lib/libvirt/swtpm");
        if (options.Readers is < 1 or > 64) errors.Add($"Quarterdeck:Backups:Readers: {options.Readers} is not between 1 and 64. Example: Quarterdeck__Backups__Readers=8");
        if (options.RereadSeconds is < 1 or > 86400) errors.Add($"Quarterdeck:Backups:RereadSeconds: {options.RereadSeconds} is not between 1 and 86400. Example: Quarterdeck__Backups__RereadSeconds=300");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
