using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Quarterdeck.Database;
using Quarterdeck.Secrets;

namespace Quarterdeck.Web;

/// <summary>Says why the console could not start, when that is something a person can mend; then no stack trace is wanted.</summary>
internal static class StartFailure
{
    /// <summary>The reason with its remedy; null when it is unexpected.</summary>
    public static string? Explain(Exception failure) => failure switch
    {
        InvalidDataException or MigrationException or SecretUnreadableException or UnauthorizedAccessException => failure.Message,
        OptionsValidationException wrong => string.Join(Environment.NewLine, wrong.Failures),
        IOException { InnerException: AddressInUseException } taken => $"QUARTERDECK_URLS: {taken.Message} Stop what listens there, or choose another. Example: QUARTERDECK_URLS=http://127.0.0.1:5081",
        AggregateException all when all.InnerExceptions.Select(Explain).ToList() is var reasons && !reasons.Contains(null) => string.Join(Environment.NewLine, reasons),
        _ => null,
    };
}
