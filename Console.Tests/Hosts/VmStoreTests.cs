using Quarterdeck.Database;
using Quarterdeck.Hosts;
using Quarterdeck.Hosts.Inventory;
using Quarterdeck.Platform;
using Quarterdeck.Tags;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Hosts;

public sealed class VmStoreTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly PageQuery Any = new();

    [Theory, DatabaseData]
    public async Task Lists_page_sort_search_and_filter_in_sql(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var (store, reader, hosts, tags) = Open(database.Db);
        var (one, two) = (await AddAsync(hosts, "Alpha"), await AddAsync(hosts, "beta"));
        VmRow[] rows = [.. Enumerable.Range(0, 450).Select(i => Row(one, $"vm-{i:000}", i % 3 == 0 ? VmState.Running : VmState.Off, i % 7 + 1)), Row(two, "100%_Odd\\Name", VmState.Paused, 1)];
        await store.WriteAsync(rows, None);
        await tags.SetAsync("vm", rows[5].Id.ToString(), ["prod", "web"], None);

        async Task<Page<Vm>> ListAsync(VmQuery query, PageQuery page, string column = "v.name_key", bool descending = false) => await reader.PageAsync(query, page, column, descending, None);

        var page = await ListAsync(new VmQuery(), new PageQuery(2, 100));
        (page.Total, page.Items.Count, page.Items[0].Name, page.Number).ShouldBe((451, 100, "vm-099", 2));
        (await ListAsync(new VmQuery(), new PageQuery(1, 1), descending: true)).Items[0].Name.ShouldBe("vm-449");
        (await ListAsync(new VmQuery(State: VmState.Running), Any)).Total.ShouldBe(150);
        (await ListAsync(new VmQuery(HostId: two), Any)).Items.ShouldHaveSingleItem().HostName.ShouldBe("beta");
        (await ListAsync(new VmQuery(), new PageQuery(Search: "VM-44"))).Total.ShouldBe(10);
        foreach (var literal in new[] { "100%", "%_o", "d\\n" })
            (await ListAsync(new VmQuery(), new PageQuery(Search: literal))).Items.ShouldHaveSingleItem().Name.ShouldBe("100%_Odd\\Name");
        (await ListAsync(new VmQuery(), new PageQuery(Search: "%%%%"))).Total.ShouldBe(0);
        (await ListAsync(new VmQuery(Tag: "Web"), Any)).Items.ShouldHaveSingleItem().Tags.ShouldBe(["prod", "web"]);
        (await ListAsync(new VmQuery(), new PageQuery(Search: "pro"))).Items.ShouldHaveSingleItem().Id.ShouldBe(rows[5].Id);
        (await ListAsync(new VmQuery(Ids: [rows[1].Id, rows[2].Id]), Any)).Total.ShouldBe(2);
        (await ListAsync(new VmQuery(), new PageQuery(1, 5), "v.vcpus", descending: true)).Items.ShouldAllBe(v => v.Vcpus == 7);
        (await ListAsync(new VmQuery(), new PageQuery(1, 1), "h.name_key", descending: true)).Items[0].HostId.ShouldBe(two);
        (await reader.CountAsync(new VmQuery(), None)).ShouldBe(new VmCounts(150, 1, 300, 0));
    }

    [Theory, DatabaseData]
    public async Task Writing_again_changes_rows_in_place_and_removing_takes_tags_and_disks(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var (store, reader, hosts, tags) = Open(database.Db);
        var host = await AddAsync(hosts, "h");
        var row = Row(host, "a", VmState.Off, 1) with { Disks = """[{"id":"vda","target":"vda","path":"/p/one","format":"qcow2","sizeBytes":5,"device":"disk"}]""" };
        await store.WriteAsync([row], None);
        (await store.OfHostAsync(host, None)).ShouldBe([row]);
        (await reader.UsersOfAsync(host, "/p/one", Guid.NewGuid(), None)).ShouldBe(["a"]);
        (await reader.UsersOfAsync(host, "/p/one", row.Id, None)).ShouldBeEmpty();
        var changed = row with { State = "running", Disks = row.Disks.Replace("one", "two") };
        await store.WriteAsync([changed], None);
        (await store.OfHostAsync(host, None)).ShouldBe([changed]);
        (await reader.UsersOfAsync(host, "/p/one", Guid.NewGuid(), None)).ShouldBeEmpty();
        await tags.SetAsync("vm", row.Id.ToString(), ["t"], None);
        await store.RemoveAsync([row.Id], None);
        (await reader.FindAsync(row.Id, None)).ShouldBeNull();
        (await tags.AllAsync("vm", None)).ShouldBeEmpty();
    }

    [Theory, DatabaseData]
    public async Task A_uuid_that_two_hosts_have_becomes_two_ids_that_stay(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var (store, _, hosts, _) = Open(database.Db);
        var (one, two) = (await AddAsync(hosts, "one"), await AddAsync(hosts, "two"));
        var first = Row(one, "twin", VmState.Off, 1);
        var second = first with { HostId = two };
        (await store.WriteAsync([first], None))[0].Id.ShouldBe(first.Id);
        var derived = (await store.WriteAsync([second], None))[0].Id;
        derived.ShouldBe(VmRow.DerivedId(two, first.DomainUuid));
        (await store.WriteAsync([second with { Id = derived, State = "running" }], None))[0].Id.ShouldBe(derived);
        (await store.OfHostAsync(one, None)).ShouldBe([first]);
        (await store.OfHostAsync(two, None)).ShouldHaveSingleItem().State.ShouldBe("running");
    }

    [Theory, DatabaseData]
    public async Task Hosts_have_one_name_and_one_uri_and_the_first_one_is_offered_once(DatabaseEngine engine)
    {
        await using var database = await TestDatabase.CreateAsync(engine);
        var (_, _, hosts, _) = Open(database.Db);
        (await hosts.SeedAsync("qemu:///system", None)).ShouldBeTrue();
        (await hosts.SeedAsync("qemu:///system", None)).ShouldBeFalse();
        (await hosts.AddAsync(Guid.NewGuid(), "One", "u1", null, None)).ShouldBeTrue();
        (await hosts.AddAsync(Guid.NewGuid(), "ONE", "u2", null, None)).ShouldBeFalse();
        (await hosts.AddAsync(Guid.NewGuid(), "two", "u1", null, None)).ShouldBeFalse();
        (await hosts.SeedAsync("test:///default", None)).ShouldBeFalse();
    }

    [Fact]
    public void Tags_are_made_alike_or_refused()
    {
        TagIndex.Normalise([" Prod ", "prod", "a b", "env:x/y"]).Value.ShouldBe(["a b", "env:x/y", "prod"]);
        foreach (var bad in new[] { "", "  ", "a\nb", "a  b", "<b>", new string('x', 64), "a;b" })
            TagIndex.Normalise(["ok", bad]).Problem.ShouldNotBeNull(bad).Errors[0].Field.ShouldBe("tags[1]");
    }

    private static (VmStore, VmReader, HostStore, TagIndex) Open(Db db) => (new VmStore(db), new VmReader(db, new TagIndex(db)), new HostStore(db, TimeProvider.System), new TagIndex(db));

    private static async Task<Guid> AddAsync(HostStore hosts, string name)
    {
        var id = Guid.CreateVersion7();
        (await hosts.AddAsync(id, name, "qemu+tls://" + name, null, None)).ShouldBeTrue();
        return id;
    }

    private static VmRow Row(Guid host, string name, VmState state, int vcpus)
    {
        var id = Guid.NewGuid();
        return new VmRow(id, host, id, name, name.ToLowerInvariant(), state.ToColumn(), vcpus, 512, "emulation", false, true, "[]", "[]", "[]");
    }
}
