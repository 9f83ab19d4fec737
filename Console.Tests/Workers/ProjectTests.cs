using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Quarterdeck.Database;
using Quarterdeck.Platform;
using Quarterdeck.Workers;
using Quarterdeck.Workers.Projects;

namespace Quarterdeck.Tests.Workers;

/// <summary>Project folders as wrangler has them, compiled by the real esbuild.</summary>
public sealed class ProjectTests
{
    private const string Settings = """
        name = "shop"
        main = "src/index.ts"
        compatibility_date = "2026-01-01"
        compatibility_flags = ["nodejs_compat"]
        workers_dev = true
        placement = { mode = "smart" }
        routes = [ "shop.example/api/*", { pattern = "www.shop.example", custom_domain = true } ]
        [vars]
        GREETING = "ahoy"
        LIMITS = { low = 1 }
        [[kv_namespaces]]
        binding = "CACHE"
        id = "cache"
        [triggers]
        crons = ["*/5 * * * *"]
        [assets]
        directory = "./public"
        binding = "ASSETS"
        not_found_handling = "404-page"
        html_handling = "none"
        [observability]
        enabled = true
        """;

    private static List<UploadedFile> Folder(string settings = Settings, string name = "wrangler.toml") =>
    [
        WorkersRoom.File(name, settings),
        WorkersRoom.File("src/index.ts", "import { greet } from 'greeter'; import wasm from './add.wasm'; import page from './page.html'; import { join } from 'path';\nconst x: string = greet('you'); export default { fetch(): Response { return new Response(x + page + join('a', 'b') + String(wasm)) } }"),
        WorkersRoom.File("src/page.html", "<p>page</p>"),
        new("src/add.wasm", new byte[] { 0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0 }),
        WorkersRoom.File("node_modules/greeter/package.json", "{\"name\":\"greeter\",\"main\":\"main.cjs\",\"exports\":{\"workerd\":\"./worker.mjs\",\"default\":\"./main.cjs\"}}"),
        WorkersRoom.File("node_modules/greeter/worker.mjs", "export const greet = who => 'ahoy ' + who"),
        WorkersRoom.File("public/index.html", "<h1>shop</h1>"),
        WorkersRoom.File(".dev.vars", "SECRET=x"),
    ];

    [Fact]
    public async Task A_folder_is_compiled_with_what_it_imports_and_its_settings_apply()
    {
        await using var room = await WorkersRoom.OpenAsync(DatabaseEngine.Sqlite);
        var outcome = (await room.Get<WorkerProjects>().DeployAsync(WorkersRoom.Admin, Folder(), null, null, true, default)).Value;
        outcome.Name.ShouldBe("shop");
        outcome.Warnings.ShouldBe(["wrangler.toml: 'assets.html_handling' means nothing here and was left out.", "wrangler.toml: 'placement' means nothing here and was left out.", "wrangler.toml: 'observability' means nothing here and was left out."], ignoreOrder: true);
        var deployed = room.Table.Current.ByName("shop")!;
        var code = (await room.Get<WorkerCodeStore>().LoadAsync(deployed.Versions.Single().Key, default))!;
        var script = Encoding.UTF8.GetString(code.Modules[0].Content.Span);
        script.ShouldContain("ahoy ");
        script.ShouldContain("<p>page</p>");
        script.ShouldContain("\"node:path\"");
        script.ShouldNotContain(": string");
        code.Modules.Select(m => m.Kind).ShouldBe([ModuleKind.EsModule, ModuleKind.Wasm]);
        script.ShouldContain(code.Modules[1].Name);
        code.Bindings.Select(b => (b.Name, b.Kind)).ShouldBe([("GREETING", BindingKind.Plain), ("LIMITS", BindingKind.Json), ("CACHE", BindingKind.Kv), ("ASSETS", BindingKind.Assets)], ignoreOrder: true);
        deployed.Versions[0].Triggers.Crons.ShouldBe(["*/5 * * * *"]);
        deployed.Versions[0].Assets!.Files.Keys.ShouldBe(["/index.html"]);
        deployed.Versions[0].Assets!.NotFound.ShouldBe(AssetNotFound.Page404);
        var table = room.Table.Current;
        table.Match(table.ZoneOf("shop.example")!, "/api/x")!.Name.ShouldBe("shop");
        table.Match(table.ZoneOf("www.shop.example")!, "/any")!.Name.ShouldBe("shop");

        // The same as jsonc, by an operator, who may not touch zones.
        const string jsonc = """{ /* it */ "name": "shop2", "main": "src/index.ts", "compatibility_flags": ["nodejs_compat"], "routes": ["other.example/*"], }""";
        outcome = (await room.Get<WorkerProjects>().DeployAsync(WorkersRoom.Operator, Folder(jsonc, "wrangler.jsonc"), null, null, true, default)).Value;
        outcome.Warnings.Single().ShouldContain("zones.manage");
        room.Table.Current.ZoneOf("other.example").ShouldBeNull();
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("tar")]
    [InlineData("tar.gz")]
    public async Task An_archive_of_the_folder_does_as_well(string kind)
    {
        await using var room = await WorkersRoom.OpenAsync(DatabaseEngine.Sqlite);
        var projects = room.Get<WorkerProjects>();
        var files = (await projects.OpenArchiveAsync(Pack(kind, [.. Folder().Select(f => f with { Name = "shop-main/" + f.Name })]), default)).Value;
        files.ShouldNotContain(f => f.Name.EndsWith(".dev.vars"));
        (await projects.DeployAsync(WorkersRoom.Admin, files, "renamed", null, true, default)).Value.Name.ShouldBe("renamed");
        (await projects.OpenArchiveAsync(Pack(kind, [WorkersRoom.File("../x.js", "x")]), default)).Problem!.Errors.Single().Field.ShouldBe("archive");
        (await ProjectArchive.OpenAsync(Pack(kind, [new("big", new byte[2 << 20])]), 1 << 20, default)).Problem!.Kind.ShouldBe(ProblemKind.TooLarge);
        (await projects.OpenArchiveAsync("nonsense"u8.ToArray(), default)).Problem!.Kind.ShouldBe(ProblemKind.Invalid);
        var damaged = Pack(kind, [.. Folder()])[..^200];
        if (kind is not "tar") (await projects.OpenArchiveAsync(damaged, default)).Ok.ShouldBeFalse();
    }

    [Fact]
    public async Task The_compiler_reads_nothing_but_the_project_and_tells_mistakes_by_file_and_line()
    {
        await using var room = await WorkersRoom.OpenAsync(DatabaseEngine.Sqlite);
        foreach (var path in new[] { "/etc/passwd", "../../../../../../etc/hostname", "/proc/self/environ", "/esbuild/../etc/shadow" })
            (await TryAsync($"import x from '{path}?'; import y from '{path}'; export default {{ fetch() {{ return new Response(x + y) }} }}")).ShouldContain("Could not resolve");
        var wrong = await ProblemAsync("const a = 1;\nexport default { fetch() { return new Response('x' } }");
        wrong.Errors[0].Field.ShouldBe("modules[index.ts]");
        wrong.Errors[0].Message.ShouldStartWith("Line 2, character");
        Directory.GetDirectories(Path.Combine(room.Get<ConsoleOptions>().DataFolder, "bundles")).ShouldBeEmpty("nothing is left behind");

        var upload = new WorkerUpload(new WorkerMetadata(), [WorkersRoom.File("index.ts", "const x: number = 1; export default { fetch(): Response { return new Response(String(x)) } }")]);
        (await room.Registry.UploadAsync(WorkersRoom.Admin, "ts", upload, true, default)).Value.Version.ShouldBe(1);

        async Task<string> TryAsync(string script) => (await ProblemAsync(script)).Detail;
        async Task<Problem> ProblemAsync(string script) => (await room.Registry.UploadAsync(WorkersRoom.Admin, "ts", new WorkerUpload(new WorkerMetadata { MainModule = "index.ts" }, [WorkersRoom.File("index.ts", script)]), true, default)).Problem!;
    }

    [Theory]
    [InlineData("name = ", "wrangler.toml", "wrangler.toml")]
    [InlineData("name = \"x\"", "wrangler.toml", "wrangler.toml: main")]
    [InlineData("main = \"src/index.ts\"", "wrangler.toml", "wrangler.toml: name")]
    [InlineData("name = \"x\"\nmain = \"src/none.ts\"", "wrangler.toml", "main")]
    [InlineData("name = \"x\"\nmain = \"src/index.ts\"\nvars = 1", "wrangler.toml", "wrangler.toml: vars")]
    [InlineData("name = \"x\"\nmain = \"src/index.ts\"\n[[kv_namespaces]]\nid = \"a\"", "wrangler.toml", "wrangler.toml: kv_namespaces")]
    [InlineData("{", "wrangler.json", "wrangler.json")]
    [InlineData("x", "other.txt", "wrangler.toml")]
    public async Task A_settings_file_that_cannot_be_followed_is_refused_by_name(string settings, string name, string field)
    {
        await using var room = await WorkersRoom.OpenAsync(DatabaseEngine.Sqlite);
        var problem = (await room.Get<WorkerProjects>().DeployAsync(WorkersRoom.Admin, Folder(settings, name), null, null, true, default)).Problem!;
        problem.Kind.ShouldBe(ProblemKind.Invalid);
        problem.Errors.ShouldContain(e => e.Field == field, problem.Detail);
    }

    private static byte[] Pack(string kind, IReadOnlyList<UploadedFile> files)
    {
        using var packed = new MemoryStream();
        if (kind is "zip")
        {
            using var zip = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true);
            foreach (var file in files)
            {
                using var entry = zip.CreateEntry(file.Name).Open();
                entry.Write(file.Content.Span);
            }
        }
        else
        {
            using var target = kind is "tar" ? packed : (Stream)new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true);
            using var tar = new TarWriter(target, leaveOpen: true);
            foreach (var file in files) tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, file.Name) { DataStream = new MemoryStream(file.Content.ToArray()) });
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "link") { LinkName = "/etc/passwd" });
        }
        return packed.ToArray();
    }
}
