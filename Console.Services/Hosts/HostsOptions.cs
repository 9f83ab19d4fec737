using Microsoft.Extensions.Options;

namespace Quarterdeck.Hosts;

/// <summary>Settings under <c>Quarterdeck:Hosts</c>.</summary>
public sealed class HostsOptions
{
    /// <summary>The URI of the host that is added on the very first start; empty for none.</summary>
    public string FirstHost { get; set; } = "qemu:///system";

    /// <summary>Absolute folders in which the socket of a <c>qemu+unix</c> URI may be.</summary>
    public IList<string> SocketRoots { get; } = ["/run/libvirt", "/var/run/libvirt"];

    /// <summary>Seconds between two samples of the VMs' use.</summary>
    public int SampleSeconds { get; set; } = 10;

    /// <summary>Milliseconds between two signs of life that a host is asked for.</summary>
    public int PulseMilliseconds { get; set; } = 1000;

    /// <summary>Milliseconds that a host has for a sign of life; asked twice before it counts as hung.</summary>
    public int PulseLimitMilliseconds { get; set; } = 1700;

    /// <summary>Most milliseconds between two attempts to reach a host.</summary>
    public int BackOffMilliseconds { get; set; } = 10_000;

    /// <summary>Minutes between two whole readings of a host, for changes that its events do not tell.</summary>
    public int RereadMinutes { get; set; } = 5;
}

/// <summary>Refuses settings that cannot work, when the console starts.</summary>
internal sealed class HostsOptionsValidator : IValidateOptions<HostsOptions>
{
    public ValidateOptionsResult Validate(string? name, HostsOptions options)
    {
        var errors = new List<string>();
        Between(options.SampleSeconds, 1, 300, nameof(options.SampleSeconds));
        Between(options.PulseMilliseconds, 100, 60_000, nameof(options.PulseMilliseconds));
        Between(options.PulseLimitMilliseconds, 100, 60_000, nameof(options.PulseLimitMilliseconds));
        Between(options.BackOffMilliseconds, 100, 300_000, nameof(options.BackOffMilliseconds));
        Between(options.RereadMinutes, 1, 1440, nameof(options.RereadMinutes));
        if (options.SocketRoots.FirstOrDefault(r => !Path.IsPathRooted(r)) is { } relative)
            errors.Add($"Quarterdeck:Hosts:SocketRoots: '{relative}' is not an absolute path. Example: Quarterdeck__Hosts__SocketRoots__0=/run/libvirt");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);

        void Between(int value, int least, int most, string key)
        {
            if (value < least || value > most) errors.Add($"Quarterdeck:Hosts:{key}: {value} is not between {least} and {most}. Example: Quarterdeck__Hosts__{key}={least}");
        }
    }
}
