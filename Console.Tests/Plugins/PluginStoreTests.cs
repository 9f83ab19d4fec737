using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Plugins;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Plugins;

public sealed class PluginStoreTests
{
    [Theory, DatabaseData]
    public async Task Plug_ins_are_paged_sorted_and_found(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        foreach (var name in new[] { "beta", "Alpha", "100%_x", "gamma" }) await room.AddAsync(OvaBuilder.Plugin.Replace("\"Probe\"", $"\"{name}\"").Replace("probe", $"p{Guid.NewGuid():N}"));
        async Task<string[]> NamesAsync(PageQuery page) => [.. (await room.Store.ListAsync(page, default)).Value.Items.Select(p => p.Name)];

        (await NamesAsync(new())).ShouldBe(["100%_x", "Alpha", "beta", "gamma"]);
        (await NamesAsync(new(Sort: "-name", Size: 2))).ShouldBe(["gamma", "beta"]);
        (await NamesAsync(new(2, 2, "-name"))).ShouldBe(["Alpha", "100%_x"]);
        (await NamesAsync(new(Search: "ALPHA"))).ShouldBe(["Alpha"]);
        (await NamesAsync(new(Search: "%_"))).ShouldBe(["100%_x"]);
        (await room.Store.ListAsync(new(Sort: "token_hash; DROP TABLE plugins"), default)).Problem!.Kind.ShouldBe(ProblemKind.Invalid);
    }

    [Theory, DatabaseData]
    public async Task A_key_is_installed_once(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var id = await room.AddAsync();

        (await Should.ThrowAsync<ProblemException>(() => room.AddAsync())).Problem.Kind.ShouldBe(ProblemKind.Conflict);
        await room.Store.RemoveAsync(id, default);
        (await room.AddAsync()).ShouldNotBe(id);
    }

    [Theory, DatabaseData]
    public async Task A_state_is_left_only_as_it_is_expected(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var id = await room.AddAsync();

        (await room.Store.MoveAsync(id, [PluginState.Ready, PluginState.Degraded], PluginState.Disabled, null, default)).ShouldBeFalse();
        (await room.Store.MoveAsync(id, [PluginState.Ready, PluginState.Deploying], PluginState.Disabled, "why", default)).ShouldBeTrue();
        (await room.PluginAsync(id)).ShouldSatisfyAllConditions(p => p.State.ShouldBe(PluginState.Disabled), p => p.Health.Reason.ShouldBe("why"));
    }

    [Theory, DatabaseData]
    public async Task The_authority_is_one_for_all_that_share_the_database(DatabaseEngine engine)
    {
        await using var room = await PluginRoom.OpenAsync(engine);
        var store = room.Get<Quarterdeck.Plugins.Authority.AuthorityStore>();
        var authorities = Enumerable.Range(0, 4).Select(_ => new ConsoleAuthority(store, room.Time)).ToArray();

        var certificates = await Task.WhenAll(authorities.Select(a => Task.Run(() => a.CertificateAsync(default))));

        certificates.Distinct().Count().ShouldBe(1);
        foreach (var authority in authorities) authority.Dispose();
    }
}
