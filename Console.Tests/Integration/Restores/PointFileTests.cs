using System.Formats.Tar;
using System.Net;
using System.Text;
using Quarterdeck.Restores.Files;
using Quarterdeck.Tests.Integration.RunningConsole;

namespace Quarterdeck.Tests.Integration.Restores;

/// <summary>Files out of recovery points, with the real VM that reads them.</summary>
public sealed class PointFileTests
{
    [Fact]
    public async Task Every_common_file_system_can_be_browsed_and_its_files_come_out_as_they_were()
    {
        await using var lab = await FileLab.StartAsync();
        var images = lab.Images;
        var system = images.Partitioned("system", await images.Ext4Async("boot"), await images.VfatAsync("esp"), await images.NtfsAsync("windows"));
        var point = await lab.PointAsync(("vda", system), ("vdb", await images.XfsAsync("xfs")), ("vdc", await images.BtrfsAsync("btrfs")), ("vdd", images.LogicalVolume("lvm", await images.Ext4Async("lv"))), ("vde", images.Empty("empty", 8)));

        var volumes = (await lab.Rest.GetAsync($"/recovery-points/{point}/volumes")).GetProperty("items").EnumerateArray().ToDictionary(v => v.GetProperty("id").GetString()!);
        volumes.ToDictionary(v => v.Key, v => v.Value.GetProperty("type").GetString()).ShouldBe(new Dictionary<string, string?>
        {
            ["vda1"] = "ext4", ["vda2"] = "vfat", ["vda3"] = "ntfs", ["vdb"] = "xfs", ["vdc"] = "btrfs", ["vde"] = null, ["vg0/root"] = "ext4",
        }, ignoreOrder: true);
        volumes["vdb"].GetProperty("label").GetString().ShouldBe("xfsdata");
        volumes["vde"].GetProperty("readable").GetBoolean().ShouldBeFalse();
        volumes["vde"].GetProperty("why").GetString()!.ShouldContain("No file system");

        foreach (var (volume, file) in new[] { ("vda1", "/etc/fstab"), ("vda2", "/A longer name – ä.txt"), ("vda3", "/fstab.txt"), ("vdb", "/fstab"), ("vdc", "/etc/fstab"), ("vg0/root", "/etc/fstab") })
            (await (await lab.DownloadAsync(point, volume, file)).Content.ReadAsStringAsync()).ShouldBe("proc /proc\n", volume);
        using var large = await lab.DownloadAsync(point, "vg0/root", "/data/large");
        large.Content.Headers.ContentLength.ShouldBe(images.Large.Length);
        large.Content.Headers.ContentDisposition!.FileName.ShouldBe("large");
        (await large.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(images.Large).ShouldBeTrue();

        var etc = await lab.ListAsync(point, "vda1", "/etc");
        etc["fstab"].GetProperty("mode").GetString().ShouldBe("04755");
        etc["fstab"].GetProperty("sizeBytes").GetInt64().ShouldBe(11);
        etc["away"].GetProperty("kind").GetString().ShouldBe("link");
        etc["away"].GetProperty("target").GetString().ShouldBe("/etc/passwd");
        (await lab.ListAsync(point, "vda1", "/", "&search=NEEDLE&below=true")).Keys.ShouldBe(["/etc/deep/deeper/needle.conf"]);
        (await lab.ListAsync(point, "vda1", "/etc", "&search=needle")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_folder_comes_out_as_an_archive_that_leads_nowhere_and_says_what_it_left_out()
    {
        await using var lab = await FileLab.StartAsync();
        var point = await lab.PointAsync(("vda", await lab.Images.Ext4Async("disk.img")));
        using var answer = await lab.DownloadAsync(point, "vda", "/");
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/x-tar");
        answer.Content.Headers.ContentDisposition!.FileName.ShouldBe("vda.tar");
        var entries = await ReadAsync(await answer.Content.ReadAsStreamAsync());
        foreach (var name in entries.Keys)
        {
            name.ShouldNotStartWith("/");
            name.Split('/', '\\').ShouldNotContain("..");
        }
        entries["vda/etc/fstab"].Text.ShouldBe("proc /proc\n");
        entries["vda/etc/fstab"].Entry.Mode.ShouldBe((UnixFileMode)Convert.ToInt32("4755", 8));
        entries["vda/data/large"].Length.ShouldBe(lab.Images.Large.Length);
        (entries["vda/etc/away"].Entry.EntryType, entries["vda/etc/away"].Entry.LinkName).ShouldBe((TarEntryType.SymbolicLink, "/etc/passwd"));
        entries["vda/etc/self"].Entry.LinkName.ShouldBe("self");
        entries.Keys.ShouldContain(@"vda/odd/new\x0Aline");
        entries.Keys.ShouldContain("vda/odd/_xFF_xFE");
        entries.Keys.ShouldContain("vda/odd/.._.._boot.ini");
        entries["vda.LEFT-OUT.txt"].Text.ShouldBe("/odd/pipe: it is a device, socket or pipe\n");
        (await lab.Rest.GetAsync("/audit?action=recovery-point.download")).GetProperty("items")[0].GetProperty("after").GetRawText().ShouldContain("vda");
    }

    [Fact]
    public async Task Paths_that_lead_away_are_refused_and_links_are_never_followed()
    {
        await using var lab = await FileLab.StartAsync();
        var point = await lab.PointAsync(("vda", await lab.Images.Ext4Async("disk.img")));
        foreach (var (path, status) in new[]
        {
            ("/etc/../../etc/passwd", 422), ("etc", 422), ("/etc/\\", 422), ("/etc/\\x00", 422), ("/etc/up/etc", 409), ("/etc/away", 409), ("/etc/self", 409), ("/etc/fstab/x", 409), ("/none", 404), ("/odd/pipe", 409),
        })
            ((int)(await lab.DownloadAsync(point, "vda", path)).StatusCode).ShouldBe(status, path);
        ((int)(await lab.DownloadAsync(point, "vda9", "/")).StatusCode).ShouldBe(404);
        ((int)(await lab.DownloadAsync(point, "", "/")).StatusCode).ShouldBe(422);
        // What a name is shown as leads back to it.
        var odd = await lab.ListAsync(point, "vda", "/odd");
        odd.Keys.ShouldContain(@"\xE2\x80\xAEgpj.exe");
        foreach (var entry in odd.Values.Where(e => e.GetProperty("kind").GetString() == "file"))
            (await lab.DownloadAsync(point, "vda", entry.GetProperty("path").GetString()!)).StatusCode.ShouldBe(HttpStatusCode.OK, entry.GetProperty("path").GetString());
    }

    [Fact]
    public async Task Damaged_and_hostile_file_systems_harm_neither_the_console_nor_the_other_volumes()
    {
        await using var lab = await FileLab.StartAsync(new Dictionary<string, string> { ["Quarterdeck:Restores:FileListLimit"] = "1000" });
        var images = lab.Images;
        // A folder that has itself in it, one with a slash in a name, one with very many entries, and a wrecked file system.
        var cyclic = await images.Ext4Async("cyclic", options: "-O ^metadata_csum,^dir_index");
        await FileImages.ShellAsync($"debugfs -w -R 'ln /etc /etc/deep/again' '{cyclic}' 2>/dev/null");
        var slash = await images.Ext4Async("slash", options: "-O ^metadata_csum,^dir_index");
        var bytes = await File.ReadAllBytesAsync(slash);
        for (var at = bytes.AsSpan().IndexOf("needle.conf"u8); at >= 0; at = bytes.AsSpan().IndexOf("needle.conf"u8)) "../../../xy"u8.CopyTo(bytes.AsSpan(at));
        await File.WriteAllBytesAsync(slash, bytes);
        var many = Path.Combine(images.Folder, "many");
        await FileImages.ShellAsync($"mkdir -p '{many}/all' && cd '{many}/all' && seq -f 'entry-%05g' 3000 | xargs touch");
        var wrecked = await images.Ext4Async("wrecked");
        using (var file = File.OpenWrite(wrecked))
        {
            var noise = new byte[8 << 20];
            new Random(3).NextBytes(noise);
            file.Position = 4096;
            file.Write(noise);
        }
        var point = await lab.PointAsync(("vda", cyclic), ("vdb", slash), ("vdc", await images.Ext4Async("many.img", tree: many)), ("vdd", wrecked), ("vde", await images.Ext4Async("sound")));

        using (var archive = await lab.DownloadAsync(point, "vda", "/etc"))
        {
            var entries = await ReadAsync(await archive.Content.ReadAsStreamAsync());
            entries.Keys.ShouldContain("etc/fstab");
            entries["etc.LEFT-OUT.txt"].Text!.ShouldContain("again");
        }
        (await lab.ListAsync(point, "vdb", "/etc/deep/deeper")).Keys.ShouldNotContain(n => n.Contains('/', StringComparison.Ordinal));
        using (var archive = await lab.DownloadAsync(point, "vdb", "/etc"))
            (await ReadAsync(await archive.Content.ReadAsStreamAsync())).Keys.ShouldNotContain(n => n.Contains("..", StringComparison.Ordinal));
        var large = await lab.Rest.GetAsync($"/recovery-points/{point}/files?volume=vdc&path=/all&pageSize=10&page=2");
        (large.GetProperty("total").GetInt32(), large.GetProperty("truncated").GetBoolean(), large.GetProperty("items").GetArrayLength()).ShouldBe((1000, true, 10));
        (await lab.ListAsync(point, "vdc", "/all", "&search=y-02999")).Keys.ShouldBe(["entry-02999"]);
        ((int)(await lab.DownloadAsync(point, "vdd", "/")).StatusCode).ShouldBeOneOf(200, 409);
        (await (await lab.DownloadAsync(point, "vde", "/etc/fstab")).Content.ReadAsStringAsync()).ShouldBe("proc /proc\n");
        (await lab.Rest.IsReadyAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task The_VM_that_reads_ends_when_nobody_looks_when_it_is_closed_and_makes_room_for_others()
    {
        await using var lab = await FileLab.StartAsync(new Dictionary<string, string> { ["Quarterdeck:Restores:FileVms"] = "1", ["Quarterdeck:Restores:FileIdleSeconds"] = "10" });
        var open = (OpenPoints)lab.Console.App.Services.GetService(typeof(OpenPoints))!;
        var first = await lab.PointAsync(("vda", await lab.Images.Ext4Async("one")));
        var second = await lab.PointAsync(("vda", await lab.Images.Ext4Async("two", 32)));
        (await lab.ListAsync(first, "vda")).Keys.ShouldContain("etc");
        (await lab.ListAsync(second, "vda")).Keys.ShouldContain("etc"); // the first made room
        open.Count.ShouldBe(1);
        (await lab.Console.Rest.DeleteAsync($"/api/v1/recovery-points/{second}/files")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        open.Count.ShouldBe(0);
        (await lab.ListAsync(first, "vda")).Keys.ShouldContain("etc");
        for (var until = DateTime.UtcNow.AddSeconds(90); open.Count > 0; await Task.Delay(200)) DateTime.UtcNow.ShouldBeLessThan(until, "it was not ended");
    }

    [Fact]
    public async Task A_killed_console_leaves_no_VM_behind_and_the_next_one_reads_again()
    {
        await using var lab = await FileLab.StartAsync();
        var point = await lab.PointAsync(("vda", await lab.Images.Ext4Async("disk")));
        await using var console = new ConsoleProcess();
        console.Settings["Quarterdeck__Hosts__FirstHost"] = "";
        await console.StartAsync();
        (await console.Rest.SentAsync(HttpMethod.Post, "/repositories", new { name = "files", kind = "local", location = lab.RepositoryFolder })).Status.ShouldBe(HttpStatusCode.Created);
        await ReadsAsync();
        var vms = FileVms(console.Data);
        vms.ShouldHaveSingleItem();
        await console.KillAsync();
        for (var until = DateTime.UtcNow.AddSeconds(30); vms.Any(id => Directory.Exists($"/proc/{id}")); await Task.Delay(50)) DateTime.UtcNow.ShouldBeLessThan(until, "the VM outlives the console");
        await console.StartAsync();
        await ReadsAsync();

        async Task ReadsAsync()
        {
            for (var until = DateTime.UtcNow.AddSeconds(60); await console.Rest.StatusAsync($"/recovery-points/{point}") != HttpStatusCode.OK; await Task.Delay(100)) DateTime.UtcNow.ShouldBeLessThan(until, "the point is not listed");
            (await console.Rest.GetAsync($"/recovery-points/{point}/files?volume=vda")).GetProperty("total").GetInt32().ShouldBe(4);
        }
    }

    // The VMs of one console run with its initrd, which only it has built; a privileged one publishes it under the same name.
    private static List<int> FileVms(string data)
    {
        var image = Path.GetFileName(Directory.EnumerateFiles(Path.Combine(data, "file-vm"), "*.cpio").Single());
        var found = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(f => int.TryParse(Path.GetFileName(f), out _)))
            try
            {
                var command = File.ReadAllText(folder + "/cmdline").Split('\0');
                if (command[0].Contains("qemu-system", StringComparison.Ordinal) && command.Any(a => a.EndsWith(image, StringComparison.Ordinal)) && ConsoleOf(folder) == data) found.Add(int.Parse(Path.GetFileName(folder), System.Globalization.CultureInfo.InvariantCulture));
            }
            catch (IOException) { /* it ended meanwhile */ }
        return found;
    }

    private static string? ConsoleOf(string folder)
    {
        var parent = File.ReadLines(folder + "/status").First(l => l.StartsWith("PPid:", StringComparison.Ordinal)).Split('\t')[1];
        return File.ReadAllText($"/proc/{parent}/environ").Split('\0').FirstOrDefault(v => v.StartsWith("QUARTERDECK_DATA=", StringComparison.Ordinal))?["QUARTERDECK_DATA=".Length..];
    }

    private static async Task<Dictionary<string, (TarEntry Entry, string? Text, long Length)>> ReadAsync(Stream archive)
    {
        var entries = new Dictionary<string, (TarEntry, string?, long)>();
        await using var reader = new TarReader(archive);
        while (await reader.GetNextEntryAsync() is { } entry)
        {
            using var content = new MemoryStream();
            if (entry.DataStream is { } data) await data.CopyToAsync(content);
            entries.Add(entry.Name.TrimEnd('/'), (entry, content.Length < 10_000 ? Encoding.UTF8.GetString(content.ToArray()) : null, content.Length));
        }
        return entries;
    }
}
