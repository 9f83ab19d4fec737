using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Web.Api;

/// <summary>One console for the REST tests that leave no trace.</summary>
public sealed class SharedConsole : IAsyncLifetime
{
    public TestConsole Console { get; private set; } = default!;

    public async Task InitializeAsync() => Console = await TestConsole.StartAsync();

    public Task DisposeAsync() => Console.DisposeAsync().AsTask();
}

[CollectionDefinition("rest")]
public sealed class RestCollection : ICollectionFixture<SharedConsole>;
