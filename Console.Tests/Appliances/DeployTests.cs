using System.Security.Cryptography;
using Quarterdeck.Access;
using Quarterdeck.Appliances;
using Quarterdeck.Database;
using Quarterdeck.Hosts;
using Quarterdeck.Operations;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Tests.Hosts;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

public sealed class DeployTests
{
    [Theory, DatabaseData]
    public async Task A_package_becomes_a_plug_in_and_no_secret_stays_behind(DatabaseEngine engine)
    {
        await using var node = await DeployNode.StartAsync(engine);
        var id = (await node.BeginAsync(new OvaBuilder { Manifest = OvaBuilder.Plugin }.Build(), node.Spec("probe", ("admin.password", "s3cret-of-ann"), ("hostname", "edge<&\"1")))).Value;
        await node.AtStepAsync(id, "enrol");

        var before = node.EnvironmentNow();
        before["hostname"].ShouldBe("edge<&\"1");
        before["build"].ShouldBe("42");
        before["admin.password"].ShouldBe("s3cret-of-ann");
        before["quarterdeck.console.url"].ShouldBe("https://127.0.0.1:5443");
        before["quarterdeck.console.ca"].ShouldStartWith("-----BEGIN CERTIFICATE-----\n");
        var enrolled = await node.EnrolAsync();
        var ended = await node.EndAsync(id);

        ended.State.ShouldBe(OperationState.Succeeded, $"{ended.Problem}");
        ended.Result!.Value.GetProperty("pluginId").GetGuid().ShouldBe(enrolled.PluginId);
        ended.Progress!.Done.ShouldBe(ended.Progress.Total!.Value);
        var plugin = (await node.Plugins.GetAsync(DeployNode.Admin, enrolled.PluginId, default)).Value;
        (plugin.State, plugin.Key, plugin.VmId).ShouldBe((PluginState.Ready, "org.example.probe", ended.Result.Value.GetProperty("vmId").GetGuid()));
        (await node.Service<VirtualMachines>().GetAsync(DeployNode.Admin, plugin.VmId, default)).Value.State.ShouldBe(VmState.Running);
        node.Fake.Volumes.Count.ShouldBe(3);
        var after = node.EnvironmentNow();
        after.ShouldNotContainKey("quarterdeck.enrolment.token");
        after.ShouldNotContainKey("admin.password");
        after["quarterdeck.plugin.instance"].ShouldBe($"{enrolled.PluginId}");
        after["hostname"].ShouldBe("edge<&\"1");
        (await node.StoresAsync("s3cret-of-ann")).ShouldBeFalse();
        (await node.StoresAsync(before["quarterdeck.enrolment.token"])).ShouldBeFalse();
        (await node.StoresAsync(enrolled.Token)).ShouldBeFalse();
        (await node.SecretsAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task An_appliance_whose_vm_is_deleted_like_any_other_leaves_no_environment_behind()
    {
        await using var node = await DeployNode.StartAsync();
        var deployed = await node.EndAsync((await node.BeginAsync(new OvaBuilder().Build(), node.Spec() with { Start = false })).Value);
        node.Fake.Volumes.ShouldContain(v => v.EndsWith("environment.iso"));

        var deleted = await node.EndAsync((await node.Service<VirtualMachines>().DeleteAsync(DeployNode.Admin, deployed.Result!.Value.GetProperty("vmId").GetGuid(), disks: true, default)).Value);

        deleted.State.ShouldBe(OperationState.Succeeded, $"{deleted.Problem}");
        node.Fake.Volumes.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_appliance_that_is_no_plug_in_gets_no_token()
    {
        await using var node = await DeployNode.StartAsync();
        var id = (await node.BeginAsync(new OvaBuilder().Build(), node.Spec() with { Start = false })).Value;

        var ended = await node.EndAsync(id);

        ended.State.ShouldBe(OperationState.Succeeded, $"{ended.Problem}");
        ended.Result!.Value.TryGetProperty("pluginId", out _).ShouldBeFalse();
        node.EnvironmentNow().Keys.ShouldNotContain(k => k.StartsWith("quarterdeck."));
        (await node.Fake.DomainAsync("probe", default))!.State.ShouldBe(VmState.Off);
        (await node.Plugins.ListAsync(DeployNode.Admin, new(), default)).Value.Total.ShouldBe(0);
    }

    [Theory]
    [InlineData(true, false, false)]
    [InlineData(true, null, true)]
    [InlineData(false, true, true)]
    [InlineData(false, null, false)]
    public async Task The_package_or_the_administrator_says_what_is_a_plug_in(bool carries, bool? said, bool becomes)
    {
        await using var node = await DeployNode.StartAsync();
        var id = (await node.BeginAsync(new OvaBuilder { Manifest = carries ? OvaBuilder.Plugin : null }.Build(), node.Spec() with { Plugin = said })).Value;
        if (becomes)
        {
            await node.AtStepAsync(id, "enrol");
            await node.EnrolAsync();
        }

        var ended = await node.EndAsync(id);

        ended.State.ShouldBe(OperationState.Succeeded, $"{ended.Problem}");
        ended.Result!.Value.TryGetProperty("pluginId", out _).ShouldBe(becomes);
    }

    public static TheoryData<string, string> Refused => new()
    {
        { "damaged at its end", "differs from the manifest" },
        { "unsigned", "not signed" },
        { "no manifest", "no manifest of digests" },
        { "licence not accepted", "licence" },
        { "unknown property", "no such property" },
        { "network not mapped", "not mapped" },
        { "network that is not there", "no network 'ghost'" },
        { "unknown option", "no deployment option" },
        { "name that is taken", "Choose another name" },
        { "too large", "more than 1000 bytes" },
    };

    [Theory, MemberData(nameof(Refused))]
    public async Task What_is_refused_leaves_nothing(string what, string says)
    {
        await using var node = await DeployNode.StartAsync(appliances: o => o.MaxPackageBytes = what == "too large" ? 1000 : o.MaxPackageBytes);
        if (what == "name that is taken") await node.Fake.DefineAsync("<domain type='test'><name>probe</name></domain>", default);
        var left = await node.LeftAsync();
        var (package, spec) = (new OvaBuilder(), node.Spec());
        switch (what)
        {
            case "damaged at its end": package.Digest = m => m.TrimEnd()[..^4] + "0000\n"; package.ManifestLast = true; break;
            case "unsigned": spec = spec with { AllowUnsigned = false }; break;
            case "no manifest": (package.Digests, spec) = (null, spec with { AllowUnsigned = false }); break;
            case "licence not accepted": spec = spec with { AcceptEula = false }; break;
            case "unknown property": spec = node.Spec("probe", ("ghost", "1")); break;
            case "network not mapped": spec = spec with { Networks = new Dictionary<string, string>() }; break;
            case "network that is not there": spec = spec with { Networks = new Dictionary<string, string> { ["Management"] = "ghost" } }; break;
            case "unknown option": spec = spec with { DeploymentOption = "huge" }; break;
        }
        Guid? began = null;

        var answer = await node.BeginAsync(package.Build(), spec, id => began = id);

        answer.Problem.ShouldNotBeNull().Detail.ShouldContain(says);
        (await node.LeftAsync()).Where(l => !l.StartsWith("row")).ShouldBe(left.Where(l => !l.StartsWith("row")));
        if (began is { } operation) (await node.EndAsync(operation)).ShouldSatisfyAllConditions(o => o.State.ShouldBe(OperationState.Failed), o => o.Problem!.Detail.ShouldContain(says));
    }

    [Theory]
    [InlineData("made for other consoles", ">=9.0.0")]
    [InlineData("no text of the right form", "around 1")]
    public async Task A_plug_in_that_does_not_fit_is_refused_before_its_VM_exists(string says, string range)
    {
        await using var node = await DeployNode.StartAsync();
        var id = (await node.BeginAsync(new OvaBuilder { Manifest = OvaBuilder.Plugin.Replace("\"schema\":1", $"\"schema\":1,\"console\":\"{range}\"") }.Build())).Value;

        var ended = await node.EndAsync(id);

        ended.State.ShouldBe(OperationState.Failed);
        $"{ended.Problem!.Title} {ended.Problem.Detail}".ShouldContain(says);
        (await node.LeftAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_appliance_that_does_not_enrol_in_time_is_removed()
    {
        await using var node = await DeployNode.StartAsync(plugins: o => o.EnrolmentWindow = TimeSpan.FromMilliseconds(300));
        var id = (await node.BeginAsync(new OvaBuilder { Manifest = OvaBuilder.Plugin }.Build())).Value;

        var ended = await node.EndAsync(id);

        ended.State.ShouldBe(OperationState.Failed);
        ended.Problem!.Title.ShouldBe("The appliance did not enrol");
        (await node.LeftAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_deployment_that_is_cancelled_while_it_waits_is_removed()
    {
        await using var node = await DeployNode.StartAsync();
        var id = (await node.BeginAsync(new OvaBuilder { Manifest = OvaBuilder.Plugin }.Build())).Value;
        await node.AtStepAsync(id, "enrol");

        (await node.Service<OperationQueue>().CancelAsync(DeployNode.Admin, id, default)).Ok.ShouldBeTrue();

        (await node.EndAsync(id)).State.ShouldBe(OperationState.Cancelled);
        (await node.LeftAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("breaks off")]
    [InlineData("is cancelled")]
    public async Task An_upload_that_does_not_end_leaves_nothing(string how)
    {
        await using var node = await DeployNode.StartAsync();
        var package = new OvaBuilder().Build();
        using var stop = new CancellationTokenSource();
        await using var upload = new Halting(package, package.Length - 50_000);
        var began = new TaskCompletionSource<Guid>();
        var begin = node.Import.BeginAsync(DeployNode.Admin, node.Spec(), upload, package.Length, stop.Token, began.SetResult);
        var id = await began.Task;
        await upload.Reached.WaitAsync(TimeSpan.FromSeconds(30));
        await HostsNode.UntilAsync(node.LeftAsync, left => left.Count > 0, 30); // what was received is worked on a little later

        if (how == "breaks off") upload.Break();
        else (await node.Service<OperationQueue>().CancelAsync(DeployNode.Admin, id, default)).Ok.ShouldBeTrue();

        (await begin.WaitAsync(TimeSpan.FromSeconds(20))).Ok.ShouldBeFalse();
        (await node.EndAsync(id)).State.ShouldBe(how == "breaks off" ? OperationState.Failed : OperationState.Cancelled);
        (await node.LeftAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Who_may_not_deploy_is_refused_before_a_byte_is_read()
    {
        await using var node = await DeployNode.StartAsync();
        await using var never = new Halting([1], 0);

        (await node.Import.BeginAsync(DeployNode.Admin with { Role = Role.Operator }, node.Spec(), never, null, default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        (await node.Import.InspectAsync(DeployNode.Admin with { Role = Role.Viewer }, never, default)).Problem!.Kind.ShouldBe(ProblemKind.Forbidden);
        never.Reached.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task An_inspection_says_what_is_there_and_makes_nothing()
    {
        await using var node = await DeployNode.StartAsync();
        var package = new OvaBuilder { Manifest = OvaBuilder.Plugin, Descriptor = t => t.Replace("ovf:password=\"true\" ovf:value=\"\"", "ovf:password=\"true\" ovf:value=\"factory-secret\"") }.Build();

        var seen = (await node.Import.InspectAsync(DeployNode.Admin, new MemoryStream(package), default)).Value;

        seen.Plugin.ShouldBeTrue();
        seen.Disks.Select(d => (d.Id, d.CapacityBytes, d.FileBytes > 0)).ShouldBe([("system", 8L << 20, true), ("data", 256L << 20, false)]);
        seen.Signature.State.ShouldBe(SignatureState.None);
        seen.Properties.Single(p => p.Password).Default.ShouldBeNull();
        (await node.LeftAsync()).ShouldBeEmpty();
    }

    /// <summary>An upload that stands still at a place until it breaks.</summary>
    private sealed class Halting(byte[] bytes, int at) : MemoryStream(bytes)
    {
        private readonly TaskCompletionSource _broken = new(), _reached = new();

        public Task Reached => _reached.Task;

        public void Break() => _broken.SetResult();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position < at) return await base.ReadAsync(buffer[..(int)Math.Min(buffer.Length, at - Position)], cancellationToken);
            _reached.TrySetResult();
            await _broken.Task.WaitAsync(cancellationToken);
            throw new IOException("The connection was reset.");
        }
    }
}
