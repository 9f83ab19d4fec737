using Dapper;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Secrets;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Secrets;

public sealed class SecretBoxTests
{
    private const string Passphrase = "correct horse battery staple";

    /// <summary>A console's start, as far as secrets are concerned.</summary>
    private static async Task<ServiceProvider> StartAsync(ConsoleOptions options)
    {
        var services = new ServiceCollection().AddLogging().AddSingleton(options).AddDatabase().AddSecrets().BuildServiceProvider();
        try
        {
            foreach (var hosted in services.GetServices<IHostedService>()) await hosted.StartAsync(default);
            return services;
        }
        catch
        {
            await services.DisposeAsync();
            throw;
        }
    }

    private static SecretBox Box(ServiceProvider services) => services.GetRequiredService<SecretBox>();

    private static async Task<string> XmlAsync(TestDatabase database)
    {
        await using var connection = await database.Db.OpenAsync(default);
        return string.Concat(await connection.QueryAsync<string>("SELECT xml FROM protection_keys"));
    }

    [Theory, DatabaseData]
    public async Task A_secret_is_read_again_after_a_restart(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        string text;
        byte[] bytes;
        await using (var first = await StartAsync(database.Options))
        {
            text = Box(first).Protect("hosts.password", "anchor äöü");
            bytes = Box(first).Protect("ca.key", [1, 2, 3]);
        }
        text.ShouldNotContain("anchor");
        await using var second = await StartAsync(database.Options);
        Box(second).Unprotect("hosts.password", text).ShouldBe("anchor äöü");
        Box(second).Unprotect("ca.key", bytes).ShouldBe([1, 2, 3]);
    }

    [Theory, DatabaseData]
    public async Task The_database_alone_reveals_nothing(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        await using var services = await StartAsync(database.Options);
        var xml = await XmlAsync(database);
        xml.ShouldContain("encryptedKey");
        xml.Contains("<masterKey", StringComparison.Ordinal).ShouldBeFalse();
        File.GetUnixFileMode(Path.Combine(database.Options.DataFolder, "secrets.key")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task Another_purpose_or_a_changed_text_is_refused()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        await using var services = await StartAsync(database.Options);
        var stored = Box(services).Protect("a", "x");
        Should.Throw<SecretUnreadableException>(() => Box(services).Unprotect("b", stored)).Message.ShouldContain("'b'");
        Should.Throw<SecretUnreadableException>(() => Box(services).Unprotect("a", stored[..^3] + (stored[^3] == 'A' ? 'B' : 'A') + stored[^2..]));
        Should.Throw<SecretUnreadableException>(() => Box(services).Unprotect("a", "no secret at all"));
        Should.Throw<SecretUnreadableException>(() => Box(services).Unprotect("a", [1, 2, 3]));
    }

    [Theory]
    [InlineData("random"), InlineData(Passphrase)]
    public async Task Two_nodes_with_one_key_file_read_each_others_secrets_and_cookies(string content)
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Postgres);
        var file = Path.Combine(database.Options.DataFolder, "shared.key");
        await File.WriteAllTextAsync(file, content == "random" ? Convert.ToBase64String(new byte[32]) : content);
        var other = Directory.CreateTempSubdirectory("qd-node-");
        await using var here = await StartAsync(database.Options with { KeyFile = file });
        await using var there = await StartAsync(database.Options with { KeyFile = file, DataFolder = other.FullName });
        Box(there).Unprotect("a", Box(here).Protect("a", "x")).ShouldBe("x");
        there.GetDataProtector("cookie").Unprotect(here.GetDataProtector("cookie").Protect("session")).ShouldBe("session");
        other.Delete(recursive: true);
    }

    [Fact]
    public async Task A_node_with_another_key_file_does_not_start_and_says_what_to_do()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        await (await StartAsync(database.Options)).DisposeAsync();
        var wrong = Path.Combine(database.Options.DataFolder, "wrong.key");
        await File.WriteAllTextAsync(wrong, Passphrase);
        (await Should.ThrowAsync<SecretUnreadableException>(StartAsync(database.Options with { KeyFile = wrong }))).Message.ShouldContain("another key file");
    }

    [Fact]
    public async Task A_lost_key_file_is_not_quietly_replaced()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        await (await StartAsync(database.Options)).DisposeAsync();
        var file = Path.Combine(database.Options.DataFolder, "secrets.key");
        File.Delete(file);
        (await Should.ThrowAsync<SecretUnreadableException>(StartAsync(database.Options))).Message.ShouldContain("is missing");
        File.Exists(file).ShouldBeFalse();
    }

    [Fact]
    public async Task An_unfit_key_file_is_refused_with_an_example()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseEngine.Sqlite);
        var file = Path.Combine(database.Options.DataFolder, "secrets.key");
        (await Should.ThrowAsync<SecretUnreadableException>(StartAsync(database.Options with { KeyFile = "/nonexistent/key" }))).Message.ShouldContain("openssl rand");
        await File.WriteAllTextAsync(file, "short");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        (await Should.ThrowAsync<SecretUnreadableException>(StartAsync(database.Options))).Message.ShouldContain("passphrase of at least 16");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        (await Should.ThrowAsync<SecretUnreadableException>(StartAsync(database.Options))).Message.ShouldContain("chmod 600");
    }
}
