using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Tests.Support;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Objects;

namespace Quarterdeck.Tests.Workers.Objects;

/// <summary>Classes of durable objects and who may run them, on both engines; no runtime.</summary>
public sealed class ObjectClassTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory, DatabaseData]
    public async Task A_class_keeps_its_namespace_through_versions_and_renames_and_another_worker_finds_it(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        (await PutAsync(room, "shop", new { CARTS = Bound("Cart") })).Problem.ShouldBeNull();
        var key = await KeyAsync(room, 1, "CARTS");
        (await PutAsync(room, "shop", new { CARTS = Bound("Cart"), MINE = Bound("Cart", "shop") })).Problem.ShouldBeNull();
        (await KeyAsync(room, 2, "CARTS")).ShouldBe(key);
        (await KeyAsync(room, 2, "MINE")).ShouldBe(key);

        ObjectMigration[] renamed = [new("v1", NewSqliteClasses: ["Cart"]), new("v2", RenamedClasses: [new ClassRename("Cart", "Basket")], NewClasses: ["Order"])];
        (await PutAsync(room, "shop", new { CARTS = Bound("Basket") }, renamed)).Problem.ShouldBeNull();
        (await KeyAsync(room, 3, "CARTS")).ShouldBe(key);
        // What is behind it is not done again.
        (await PutAsync(room, "shop", new { CARTS = Bound("Basket") }, renamed)).Problem.ShouldBeNull();
        (await room.Get<ObjectStore>().ClassesAsync(Serial(room, "shop"), None)).Select(c => c.Name).ShouldBe(["Basket", "Order"]);

        (await PutAsync(room, "desk", new { CARTS = Bound("Basket", "shop") })).Problem.ShouldBeNull();
        var code = (await room.Get<WorkerCodeStore>().LoadAsync(new WorkerKey(Serial(room, "desk"), 1), None))!;
        code.ObjectKeys["CARTS"].ShouldBe(key);
        code.IsIntact().ShouldBeTrue();
        code.ObjectClasses.ShouldBeEmpty();
    }

    [Theory, DatabaseData]
    public async Task A_deleted_class_begins_anew_under_its_name_and_what_cannot_be_done_is_refused_whole(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        (await PutAsync(room, "shop", new { CARTS = Bound("Cart") })).Problem.ShouldBeNull();
        var key = await KeyAsync(room, 1, "CARTS");
        ObjectMigration gone = new("v2", DeletedClasses: ["Cart"]);
        (await PutAsync(room, "shop", new { CARTS = Bound("Cart") }, gone)).Problem!.Errors.Single().Field.ShouldBe("bindings.CARTS.class");
        (await PutAsync(room, "shop", new { }, [gone], deploy: false)).Problem!.Errors.Single().Field.ShouldBe("migrations[0]");
        (await PutAsync(room, "shop", new { }, [new("v3", NewClasses: ["Other"], DeletedClasses: ["Nobody"])])).Problem!.Errors.Single().Message.ShouldContain("'Nobody'");
        (await PutAsync(room, "shop", new { }, [new("", NewClasses: ["1x"])])).Problem!.Errors.Select(e => e.Field).ShouldBe(["migrations[0].tag", "migrations[0].newClasses"]);
        (await PutAsync(room, "desk", new { CARTS = Bound("Nothing", "shop") })).Problem!.Errors.Single().Field.ShouldBe("bindings.CARTS.class");
        (await room.Get<ObjectStore>().ClassesAsync(Serial(room, "shop"), None)).Select(c => c.Name).ShouldBe(["Cart"]);

        (await PutAsync(room, "shop", new { }, gone)).Problem.ShouldBeNull();
        (await room.Get<ObjectStore>().ClassAsync(key, None)).ShouldBeNull();
        (await PutAsync(room, "shop", new { CARTS = Bound("Cart") })).Problem.ShouldBeNull();
        var version = room.Table.Current.ByName("shop")!.Versions.Single().Key.Version;
        (await KeyAsync(room, version, "CARTS")).ShouldNotBe(key);
        var deleted = (await room.Get<ObjectStore>().DeletedAsync("here", None)).Single();
        (deleted.Key, deleted.Here).ShouldBe((key, false));
        await room.Get<ObjectStore>().ForgetAsync(key, None);
        (await room.Get<ObjectStore>().DeletedAsync("here", None)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_wrangler_folder_brings_its_classes_and_migrations()
    {
        await using var room = await WorkersRoom.OpenAsync(DatabaseEngine.Sqlite);
        const string rooms = """
            name = "rooms"
            main = "index.js"
            no_bundle = true
            [[durable_objects.bindings]]
            name = "ROOMS"
            class_name = "Room"
            [[migrations]]
            tag = "v1"
            new_sqlite_classes = ["Hall"]
            [[migrations]]
            tag = "v2"
            renamed_classes = [{ from = "Hall", to = "Room" }]
            new_classes = ["Guest"]
            transferred_classes = [{ from = "Hall", from_script = "old", to = "Hall" }]
            """;
        var made = (await room.Get<WorkerProjects>().DeployAsync(WorkersRoom.Admin, [WorkersRoom.File("wrangler.toml", rooms), WorkersRoom.File("index.js", WorkersRoom.Hello)], null, null, true, None)).Value;
        made.Warnings.Single().ShouldBe("wrangler.toml: 'migrations.transferred_classes' means nothing here and was left out.");
        (await room.Get<ObjectStore>().ClassesAsync(Serial(room, "rooms"), None)).Select(c => c.Name).ShouldBe(["Guest", "Room"]);

        const string guide = """{ "name": "guide", "main": "index.js", "no_bundle": true, "durable_objects": { "bindings": [{ "name": "ROOMS", "class_name": "Room", "script_name": "rooms" }] } }""";
        (await room.Get<WorkerProjects>().DeployAsync(WorkersRoom.Admin, [WorkersRoom.File("wrangler.jsonc", guide), WorkersRoom.File("index.js", WorkersRoom.Hello)], null, null, true, None)).Value.Warnings.ShouldBeEmpty();
        var code = (await room.Get<WorkerCodeStore>().LoadAsync(new WorkerKey(Serial(room, "guide"), 1), None))!;
        code.Bindings.Single().Value.GetProperty("worker").GetString().ShouldBe("rooms");
        code.ObjectKeys.Keys.ShouldBe(["ROOMS"]);
    }

    [Theory, DatabaseData]
    public async Task Only_one_process_holds_a_store_until_it_gives_it_back_or_its_time_is_over(DatabaseEngine engine)
    {
        await using var room = await WorkersRoom.OpenAsync(engine);
        await room.DeployAsync("shop");
        var store = room.Get<ObjectStore>();
        var now = TimeProvider.System.GetUtcNow();
        StoreRow Row(string holder, string place, double seconds = 30) => new("s", "node", holder, place, now.AddSeconds(seconds), "h:1", null, null);
        (await store.HoldAsync(Row("one", "m:/a"), true, None))!.Holder.ShouldBe("one");
        (await store.HoldAsync(Row("one", "m:/a"), true, None))!.Holder.ShouldBe("one");
        // A copy elsewhere must wait; who found the very folder unlocked need not.
        (await store.HoldAsync(Row("two", "m:/b"), true, None)).ShouldBeNull();
        (await store.HoldAsync(Row("two", "m:/a"), false, None)).ShouldBeNull();
        (await store.HoldAsync(Row("two", "m:/a", -1), true, None))!.Holder.ShouldBe("two");
        (await store.HoldAsync(Row("three", "m:/b"), true, None))!.Holder.ShouldBe("three");
        await store.LeaveAsync("s", "two", None);
        (await store.HoldAsync(Row("four", "m:/c"), true, None)).ShouldBeNull();
        await store.LeaveAsync("s", "three", None);
        (await store.HoldAsync(Row("four", "m:/c"), true, None))!.Holder.ShouldBe("four");

        var serial = Serial(room, "shop");
        (await store.HomeAsync(serial, null, None)).ShouldBeNull();
        (await store.HomeAsync(serial, "s", None))!.Holder.ShouldBe("four");
        (await store.HoldAsync(new StoreRow("t", "other", "five", "m:/d", now.AddSeconds(30), null, null, null), true, None)).ShouldNotBeNull();
        (await store.HomeAsync(serial, "t", None))!.Id.ShouldBe("s");
        (await store.HomeAsync(serial + 1000, "t", None)).ShouldBeNull();
        await store.WakeAsync(serial, now, None);
        (await store.WakesAsync("s", None)).Keys.ShouldBe([serial]);
        (await store.WakesAsync("t", None)).ShouldBeEmpty();
    }

    private static object Bound(string type, string? worker = null) => worker is null ? new { type = "durable_object_namespace", class_name = type } : new { type = "durable_object_namespace", class_name = type, script_name = worker };

    private static Task<Result<UploadOutcome>> PutAsync(WorkersRoom room, string name, object bindings, params ObjectMigration[] migrations) => PutAsync(room, name, bindings, migrations, true);

    private static Task<Result<UploadOutcome>> PutAsync(WorkersRoom room, string name, object bindings, ObjectMigration[] migrations, bool deploy) =>
        room.Registry.UploadAsync(WorkersRoom.Admin, name, WorkersRoom.Upload(WorkersRoom.Hello, new WorkerMetadata { MainModule = "index.js", Bindings = WorkersRoom.Bindings(bindings), Migrations = migrations.Length > 0 ? migrations : null }), deploy, None);

    private static long Serial(WorkersRoom room, string name) => room.Table.Current.ByName(name)!.Serial;

    private static async Task<string> KeyAsync(WorkersRoom room, int version, string binding) =>
        (await room.Get<WorkerCodeStore>().LoadAsync(new WorkerKey(Serial(room, "shop"), version), None))!.ObjectKeys[binding];
}
