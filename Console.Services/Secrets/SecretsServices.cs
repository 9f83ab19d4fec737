using Microsoft.Extensions.DependencyInjection;

namespace Quarterdeck.Secrets;

/// <summary>Registers encryption of stored secrets.</summary>
public static class SecretsServices
{
    /// <summary>Adds <see cref="SecretBox"/>, and ASP.NET Data Protection (cookies, antiforgery) on the same key ring in the database, shared by all nodes.</summary>
    public static IServiceCollection AddSecrets(this IServiceCollection services) => services.AddSingleton<SecretBox>();
}
