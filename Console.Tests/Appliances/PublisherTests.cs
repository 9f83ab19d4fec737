using System.Security.Cryptography;
using Dapper;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Database;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

public sealed class PublisherTests
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1", CodeSigning = "1.3.6.1.5.5.7.3.3";
    private static readonly Caller Viewer = new(CallerKind.User, Guid.NewGuid(), "vic", Role.Viewer);

    [Theory, DatabaseData]
    public async Task A_publisher_is_added_found_and_revoked_and_each_is_in_the_audit_log(DatabaseEngine engine)
    {
        await using var node = await DeployNode.StartAsync(engine);
        var publishers = node.Service<Publishers>();
        using var signer = Signer.Make("Example Inc");

        var added = (await publishers.AddAsync(DeployNode.Admin, new NewPublisher(null, signer.Pem), default)).Value;
        (added.Name, added.Authority, added.RevokedAt, added.AddedBy).ShouldBe(("Example Inc", false, null, "ann"));
        added.Fingerprint.ShouldBe(Convert.ToHexStringLower(signer.Certificate.GetCertHash(HashAlgorithmName.SHA256)));
        (await publishers.AddAsync(DeployNode.Admin, new NewPublisher("Other", signer.Pem), default)).Problem!.Kind.ShouldBe(ProblemKind.Conflict);
        (await publishers.GetAsync(Viewer, added.Id, default)).Value.ShouldBe(added);
        (await publishers.ListAsync(Viewer, new PageQuery(Search: added.Fingerprint[..12]), default)).Value.Items.ShouldBe([added]);
        (await publishers.RevokeAsync(DeployNode.Admin, added.Id, default)).Ok.ShouldBeTrue();
        (await publishers.RevokeAsync(DeployNode.Admin, added.Id, default)).Ok.ShouldBeTrue("withdrawing twice is no mistake");
        (await publishers.GetAsync(Viewer, added.Id, default)).Value.RevokedAt.ShouldNotBeNull();
        var again = (await publishers.AddAsync(DeployNode.Admin, new NewPublisher("Example again", signer.Pem), default)).Value;
        (again.Id, again.RevokedAt).ShouldBe((added.Id, null));

        await using var connection = await node.Service<Db>().OpenAsync(default);
        (await connection.QueryAsync<string>("SELECT action FROM audit WHERE target = @target ORDER BY id", new { target = $"publisher:{added.Id}" })).ShouldBe(["publisher.add", "publisher.revoke", "publisher.add"]);
    }

    [Fact]
    public async Task Only_administrators_say_whom_to_trust()
    {
        await using var node = await DeployNode.StartAsync();
        var publishers = node.Service<Publishers>();
        using var signer = Signer.Make("Example Inc");

        (await publishers.AddAsync(Viewer, new NewPublisher(null, signer.Pem), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await publishers.RevokeAsync(Viewer, Guid.NewGuid(), default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await publishers.RevokeAsync(DeployNode.Admin, Guid.NewGuid(), default)).Problem!.Kind.ShouldBe(ProblemKind.NotFound);
    }

    [Fact]
    public async Task What_cannot_be_trusted_is_refused_with_a_remedy()
    {
        await using var node = await DeployNode.StartAsync();
        using var expired = Signer.Make("Old", new(From: -20, Until: -1));
        using var weak = Signer.Make("Weak", new(Bits: 1024));
        using var good = Signer.Make("Good");
        using var key = RSA.Create(2048);
        foreach (var (pem, says) in new (string?, string)[]
        {
            (null, "missing"), ("hello", "no certificate"), (good.Pem + "\n" + good.Pem, "2 certificates"), (good.Pem + key.ExportPkcs8PrivateKeyPem(), "private key"),
            (expired.Pem, "expired"), (weak.Pem, "1024 bits"), (new string('x', 70_000), "64 KiB"), ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "no certificate"),
        })
        {
            var problem = (await node.Service<Publishers>().AddAsync(DeployNode.Admin, new NewPublisher(null, pem), default)).Problem!;
            problem.Errors.Single().Field.ShouldBe("certificate");
            problem.Errors.Single().Message.ShouldContain(says);
            problem.Errors.Single().Remedy.ShouldNotBeNullOrEmpty();
        }
        (await node.Service<Publishers>().AddAsync(DeployNode.Admin, new NewPublisher("a\nb", good.Pem), default)).Problem!.Errors.Single().Field.ShouldBe("name");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_package_of_a_trusted_publisher_deploys_without_a_further_question(bool manifestLast)
    {
        await using var node = await DeployNode.StartAsync();
        using var signer = Signer.Make("Example Inc", new(Ecdsa: manifestLast));
        var package = new OvaBuilder { Sign = m => signer.Sign(m), ManifestLast = manifestLast }.Build();
        var spec = node.Spec() with { AllowUnsigned = false, Start = false };

        var before = (await node.BeginAsync(package, spec)).Problem!;
        before.Errors.Single().Field.ShouldBe("allowUnsigned");
        before.Errors.Single().Message.ShouldContain("CN=Example Inc");
        (await node.LeftAsync()).ShouldBeEmpty();
        await node.Service<Publishers>().AddAsync(DeployNode.Admin, new NewPublisher("Our friends", signer.Pem), default);

        var seen = (await node.Import.InspectAsync(DeployNode.Admin, new MemoryStream(package), default)).Value.Signature;
        (seen.State, seen.Publisher, seen.Reason).ShouldBe((SignatureState.Trusted, "Our friends", null));
        seen.Fingerprint.ShouldBe(Convert.ToHexStringLower(signer.Certificate.GetCertHash(HashAlgorithmName.SHA256)));
        (await node.EndAsync((await node.BeginAsync(package, spec)).Value)).State.ShouldBe(OperationState.Succeeded);
    }

    [Fact]
    public async Task A_package_of_a_revoked_publisher_is_refused_whatever_is_allowed()
    {
        await using var node = await DeployNode.StartAsync();
        using var authority = Signer.Make("Example CA", new(Authority: true));
        using var signer = Signer.Make("Example Inc", issuer: authority);
        var added = (await node.Service<Publishers>().AddAsync(DeployNode.Admin, new NewPublisher(null, authority.Pem), default)).Value;
        await node.Service<Publishers>().RevokeAsync(DeployNode.Admin, added.Id, default);

        var refused = (await node.BeginAsync(new OvaBuilder { Sign = m => signer.Sign(m) }.Build())).Problem!;

        refused.Detail.ShouldStartWith("probe.cert: The trust in Example CA was withdrawn");
        (await node.LeftAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_package_that_was_changed_after_signing_is_refused_whatever_is_allowed()
    {
        await using var node = await DeployNode.StartAsync();
        using var signer = Signer.Make("Example Inc");
        await node.Service<Publishers>().AddAsync(DeployNode.Admin, new NewPublisher(null, signer.Pem), default);
        var package = new OvaBuilder { Sign = m => signer.Sign([.. m, 10]) }.Build();

        (await node.BeginAsync(package)).Problem!.Detail.ShouldStartWith("probe.cert: its signature is broken");
        (await node.Import.InspectAsync(DeployNode.Admin, new MemoryStream(package), default)).Value.Signature.State.ShouldBe(SignatureState.Invalid);
        (await node.LeftAsync()).ShouldBeEmpty();
    }

    /// <summary>Chains of certificates and what each is worth when the console trusts the topmost.</summary>
    [Fact]
    public async Task An_authority_s_trust_goes_as_far_as_its_chain_holds()
    {
        await using var node = await DeployNode.StartAsync();
        using var root = Signer.Make("Root", new(Authority: true));
        using var middle = Signer.Make("Middle", new(Authority: true, Ecdsa: true), root);
        using var lapsed = Signer.Make("Lapsed", new(Authority: true, From: -20, Until: -1), root);
        using var noAuthority = Signer.Make("No authority", new(), root);
        using var impostor = Signer.Make("Root", new(Authority: true));
        using var impostorMiddle = Signer.Make("Middle", new(Authority: true), impostor);
        await node.Service<Publishers>().AddAsync(DeployNode.Admin, new NewPublisher("Root", root.Pem), default);
        using var banned = Signer.Make("Banned", new(Authority: true), root);
        var ban = (await node.Service<Publishers>().AddAsync(DeployNode.Admin, new NewPublisher("Banned", banned.Pem), default)).Value;
        await node.Service<Publishers>().RevokeAsync(DeployNode.Admin, ban.Id, default);

        await WorthAsync(root, null, SignatureState.Trusted);
        await WorthAsync(root, new(Purpose: CodeSigning), SignatureState.Trusted);
        await WorthAsync(middle, new(Ecdsa: true), SignatureState.Trusted);
        await WorthAsync(root, new(Purpose: ServerAuthentication), SignatureState.Untrusted, "not meant for signing");
        await WorthAsync(root, new(From: -9, Until: -2), SignatureState.Untrusted, "expired");
        await WorthAsync(root, new(From: 2, Until: 9), SignatureState.Untrusted, "valid from");
        await WorthAsync(root, new(Bits: 1024), SignatureState.Untrusted, "1024 bits");
        await WorthAsync(lapsed, null, SignatureState.Untrusted, "CN=Lapsed expired");
        await WorthAsync(noAuthority, null, SignatureState.Untrusted, "chain");
        await WorthAsync(impostor, null, SignatureState.Untrusted);
        await WorthAsync(impostorMiddle, null, SignatureState.Untrusted);
        await WorthAsync(banned, null, SignatureState.Revoked, "Banned");

        async Task WorthAsync(Signer issuer, Signer.Shape? shape, SignatureState state, string? says = null)
        {
            using var leaf = Signer.Make("Leaf", shape, issuer);
            foreach (var reversed in new[] { false, true })
            {
                var package = new OvaBuilder { Sign = m => leaf.Sign(m, reversed: reversed) }.Build();
                var seen = (await node.Import.InspectAsync(DeployNode.Admin, new MemoryStream(package), default)).Value.Signature;
                seen.State.ShouldBe(state, $"{issuer.Certificate.Subject} {shape}: {seen}");
                if (says is not null) seen.Reason!.ShouldContain(says);
            }
        }
    }

    [Fact]
    public async Task A_signature_by_SHA_1_is_no_reason_to_trust()
    {
        await using var node = await DeployNode.StartAsync();
        using var signer = Signer.Make("Example Inc");
        await node.Service<Publishers>().AddAsync(DeployNode.Admin, new NewPublisher(null, signer.Pem), default);
        var package = new OvaBuilder { Sign = m => signer.Sign(m, HashAlgorithmName.SHA1) }.Build();

        var seen = (await node.Import.InspectAsync(DeployNode.Admin, new MemoryStream(package), default)).Value.Signature;

        seen.State.ShouldBe(SignatureState.Untrusted);
        seen.Reason!.ShouldContain("SHA-1");
    }
}
