using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Quarterdeck.Secrets.KeyRing;

namespace Quarterdeck.Secrets;

/// <summary>Registers encryption of stored secrets.</summary>
public static class SecretsServices
{
    /// <summary>Adds <see cref="SecretBox"/>, and ASP.NET Data Protection (cookies, antiforgery) on the same key ring in the database, shared by all nodes.</summary>
    public static IServiceCollection AddSecrets(this IServiceCollection services)
    {
        services.AddSingleton<SecretBox>();
        services.AddSingleton<MasterKey>();
        services.AddSingleton<DatabaseXmlRepository>();
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>, UseDatabase>();
        services.AddHostedService<CheckKey>(); // before Data Protection's own, which reads the ring and only logs what fails
        services.AddDataProtection().SetApplicationName("Quarterdeck");
        return services;
    }

    private sealed class UseDatabase(DatabaseXmlRepository repository, MasterKey master) : IConfigureOptions<KeyManagementOptions>
    {
        public void Configure(KeyManagementOptions options)
        {
            options.XmlRepository = repository;
            options.XmlEncryptor = new MasterKeyEncryptor(master);
        }
    }

    /// <summary>A wrong key file ends the start with its remedy, instead of logins that fail later.</summary>
    private sealed class CheckKey(SecretBox box, IKeyManager keys) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            foreach (var key in keys.GetAllKeys())
                if (!key.IsRevoked) _ = key.CreateEncryptor();
            const string purpose = "secrets.check";
            box.Unprotect(purpose, box.Protect(purpose, "ahoy"));
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
