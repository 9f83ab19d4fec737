using Quarterdeck.Tests.Workers.Runtime;
using Quarterdeck.Workers;

namespace Quarterdeck.Tests.Workers.Egress;

/// <summary>Every way to write an address that is not public, tried from a real worker. One node for all: nothing of a refusal stays behind.</summary>
public sealed class EgressNotationTests(OneNode one) : IClassFixture<OneNode>
{
    [Theory]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://localhost/")]
    [InlineData("http://2130706433/")]
    [InlineData("http://0x7f.1/")]
    [InlineData("http://0177.0.0.1/")]
    [InlineData("http://127.1/")]
    [InlineData("http://[::1]/")]
    [InlineData("http://[::ffff:127.0.0.1]/")]
    [InlineData("http://[::ffff:7f00:1]/")]
    [InlineData("http://0.0.0.0/")]
    [InlineData("http://10.0.0.1/")]
    [InlineData("https://192.168.1.1/")]
    [InlineData("http://172.31.255.255/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://[fe80::1]/")]
    [InlineData("http://[fd00:ec2::254]/")]
    [InlineData("http://100.64.0.1/")]
    [InlineData("http://224.0.0.1/")]
    [InlineData("http://255.255.255.255/")]
    [InlineData("http://[2002:7f00:1::]/")]
    [InlineData("http://[64:ff9b::7f00:1]/")]
    [InlineData("http://[2001:0:53aa:64c:0:0:80ff:fffe]/")]
    [InlineData("http://inside.example/")]
    [InlineData("http://both.example/")]
    public async Task Addresses_that_are_not_public_are_refused_in_every_notation(string url)
    {
        var answer = await one.Node.GetAsync(new WorkerKey(1, 1), EgressTests.Of(url));
        answer.Body.ShouldStartWith("refused: Network connection refused");
        answer.Body.ShouldContain("workers may not reach");
    }
}

/// <summary>A node with a worker that fetches what it is told to.</summary>
public sealed class OneNode : IAsyncLifetime
{
    internal ComputeNode Node { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Node = await ComputeNode.StartAsync();
        Node.Names["localhost"] = new(["127.0.0.1"]);
        Node.Names["inside.example"] = new(["192.168.122.1"]);
        Node.Names["both.example"] = new(["93.184.215.14 127.0.0.1"]);
        Node.Deploy(1, EgressTests.Fetcher);
    }

    public async Task DisposeAsync() => await Node.DisposeAsync();
}
