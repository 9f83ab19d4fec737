using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dapper;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Plugins;

public sealed class EnrolmentTests
{
    [Theory, DatabaseData]
    public async Task An_appliance_exchanges_its_token_for_its_own_and_becomes_ready_by_its_first_heartbeat(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var plugin = await room.PoweredOnAsync();
        (await room.PluginAsync(plugin.Id)).State.ShouldBe(PluginState.Enrolling);

        var answer = await room.EnrolAsync(plugin);

        answer.PluginId.ShouldBe(plugin.Id);
        answer.Certificate.ShouldBeNull();
        answer.ExpiresAt.ShouldBe(room.Time.GetUtcNow().AddDays(90), TimeSpan.FromMinutes(1));
        (await room.PluginAsync(plugin.Id)).State.ShouldBe(PluginState.Enrolling);
        (await room.Enrolment.HeartbeatAsync(plugin.Id, answer.Token, PluginRoom.Says("healthy"), default)).Value.State.ShouldBe(PluginState.Ready);
        var ready = await room.PluginAsync(plugin.Id);
        (ready.State, ready.Health.State).ShouldBe((PluginState.Ready, HealthState.Healthy));
    }

    [Theory, DatabaseData]
    public async Task A_token_is_used_once_even_by_many_at_the_same_time(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var plugin = await room.PoweredOnAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => room.Enrolment.EnrolAsync(PluginRoom.Request(plugin.Token), default))));

        answers.Count(a => a.Ok).ShouldBe(1);
        answers.Where(a => !a.Ok).ShouldAllBe(a => a.Problem!.Kind == ProblemKind.Conflict);
        (await room.Enrolment.EnrolAsync(PluginRoom.Request(plugin.Token), default)).Problem!.Title.ShouldBe("The enrolment token was used");
    }

    [Theory, DatabaseData]
    public async Task A_token_is_valid_for_fifteen_minutes_from_power_on(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var (early, late) = (await room.PoweredOnAsync(), await room.PoweredOnAsync(OvaBuilder.Plugin.Replace("probe", "other")));
        room.Time.Forward(TimeSpan.FromMinutes(14));
        (await room.Enrolment.EnrolAsync(PluginRoom.Request(early.Token), default)).Ok.ShouldBeTrue();
        room.Time.Forward(TimeSpan.FromMinutes(2));

        var refused = await room.Enrolment.EnrolAsync(PluginRoom.Request(late.Token, OvaBuilder.Plugin.Replace("probe", "other")), default);

        refused.Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        refused.Problem.Detail.ShouldContain("expired");
    }

    [Fact]
    public async Task A_token_is_worth_nothing_before_power_on()
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var id = await room.AddAsync();
        await room.Tokens.OfferAsync(id, Quarterdeck.Plugins.Registry.TokenText.Hash("qde_x"), default);

        (await room.Enrolment.EnrolAsync(PluginRoom.Request("qde_x"), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
    }

    [Theory]
    [InlineData("another manifest", "manifestDigest")]
    [InlineData("another manifest with the right digest", "manifest")]
    [InlineData("upper-case digest", "manifestDigest")]
    [InlineData("no digest", "manifestDigest")]
    [InlineData("no manifest", "manifest")]
    public async Task A_token_is_bound_to_the_manifest_of_its_package(string what, string field)
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var plugin = await room.PoweredOnAsync();
        var (good, other) = (PluginRoom.Request(plugin.Token), OvaBuilder.Plugin.Replace("1.0.0", "1.0.1"));

        var refused = await room.Enrolment.EnrolAsync(what switch
        {
            "another manifest" => PluginRoom.Request(plugin.Token, other),
            "another manifest with the right digest" => PluginRoom.Request(plugin.Token, other, good.ManifestDigest),
            "upper-case digest" => good with { ManifestDigest = good.ManifestDigest!.ToUpperInvariant() },
            "no digest" => good with { ManifestDigest = null },
            _ => good with { Manifest = default },
        }, default);

        refused.Problem!.Kind.ShouldBe(ProblemKind.Invalid);
        refused.Problem.Errors.Single().Field.ShouldBe(field);
        (await room.Enrolment.EnrolAsync(good, default)).Ok.ShouldBeTrue("a refused attempt does not use the token up");
    }

    [Fact]
    public async Task A_token_is_bound_to_its_instance_and_guessing_leads_nowhere()
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var (mine, other) = (await room.PoweredOnAsync(), await room.PoweredOnAsync(OvaBuilder.Plugin.Replace("probe", "other")));

        (await room.Enrolment.EnrolAsync(PluginRoom.Request(mine.Token, instance: $"{other.Id}"), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await room.Enrolment.EnrolAsync(PluginRoom.Request("qde_guess"), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await room.Enrolment.EnrolAsync(PluginRoom.Request(""), default)).Problem!.Kind.ShouldBe(ProblemKind.Invalid);
        (await room.Enrolment.EnrolAsync(PluginRoom.Request(mine.Token, instance: $"{mine.Id}"), default)).Ok.ShouldBeTrue();
    }

    [Theory, DatabaseData]
    public async Task A_package_without_a_manifest_tells_it_at_enrolment(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var (first, second) = (await room.PoweredOnAsync(manifest: null), await room.PoweredOnAsync(manifest: null));

        (await room.Enrolment.EnrolAsync(PluginRoom.Request(first.Token), default)).Ok.ShouldBeTrue();

        var plugin = await room.PluginAsync(first.Id);
        (plugin.Key, plugin.Version, plugin.Ui).ShouldBe(("org.example.probe", "1.0.0", new PluginUi("http", 80, "/")));
        (await room.Enrolment.EnrolAsync(PluginRoom.Request(second.Token), default)).Problem!.Title.ShouldBe("The plug-in is installed already");
    }

    [Fact]
    public async Task A_certificate_has_our_subject_and_is_no_authority()
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var plugin = await room.PoweredOnAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        var answer = (await room.Enrolment.EnrolAsync(PluginRoom.Request(plugin.Token, csr: Csr("CN=admin, O=Quarterdeck", key)), default)).Value;

        using var certificate = X509Certificate2.CreateFromPem(answer.Certificate!);
        certificate.Subject.ShouldBe($"CN={plugin.Id}");
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority.ShouldBeFalse();
        certificate.GetECDsaPublicKey()!.ExportSubjectPublicKeyInfo().ShouldBe(key.ExportSubjectPublicKeyInfo());
        using var authority = X509Certificate2.CreateFromPem(await room.Get<ConsoleAuthority>().CertificateAsync(default));
        using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, CustomTrustStore = { authority } } };
        chain.Build(certificate).ShouldBeTrue();
    }

    [Theory]
    [InlineData("authority")]
    [InlineData("signer")]
    [InlineData("weak key")]
    [InlineData("no request")]
    [InlineData("signed by another key")]
    public async Task A_request_for_more_is_refused_and_the_token_stays_good(string what)
    {
        await using var room = await PluginRoom.OpenAsync(DatabaseEngine.Sqlite);
        var plugin = await room.PoweredOnAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var weak = RSA.Create(1024);
        var csr = what switch
        {
            "authority" => Csr("CN=x", key, new X509BasicConstraintsExtension(true, false, 0, true)),
            "signer" => Csr("CN=x", key, new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true)),
            "weak key" => new CertificateRequest("CN=x", weak, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequestPem(),
            "no request" => "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
            _ => Tampered(key),
        };

        (await room.Enrolment.EnrolAsync(PluginRoom.Request(plugin.Token, csr: csr), default)).Problem!.Errors.Single().Field.ShouldBe("certificateRequest");
        (await room.Enrolment.EnrolAsync(PluginRoom.Request(plugin.Token), default)).Ok.ShouldBeTrue();
    }

    [Theory, DatabaseData]
    public async Task No_token_and_no_key_stands_in_the_database(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var plugin = await room.PoweredOnAsync();
        var answer = await room.EnrolAsync(plugin);
        await room.Get<ConsoleAuthority>().CertificateAsync(default);

        await using var connection = await room.Db.OpenAsync(default);
        var all = string.Join('\n', (await connection.QueryAsync("SELECT * FROM plugins")).Concat(await connection.QueryAsync("SELECT * FROM plugin_authority")).Select(r => string.Join('|', ((IDictionary<string, object?>)r).Values)));

        all.ShouldContain($"{plugin.Id}");
        all.ShouldNotContain(plugin.Token);
        all.ShouldNotContain(answer.Token);
        all.ShouldNotContain("PRIVATE KEY");
    }

    private static string Csr(string subject, ECDsa key, params X509Extension[] extensions)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        foreach (var extension in extensions) request.CertificateExtensions.Add(extension);
        return request.CreateSigningRequestPem();
    }

    private static string Tampered(ECDsa key)
    {
        var request = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        request[^1] ^= 1;
        return PemEncoding.WriteString("CERTIFICATE REQUEST", request);
    }
}
