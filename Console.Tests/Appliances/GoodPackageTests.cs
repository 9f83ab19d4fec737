using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Quarterdeck.Appliances;
using Quarterdeck.Appliances.Ova;
using Quarterdeck.Hosts;
using Quarterdeck.Tests.Support;

namespace Quarterdeck.Tests.Appliances;

public sealed class GoodPackageTests
{
    [Fact]
    public async Task A_package_says_what_it_is_and_its_disk_becomes_an_image()
    {
        using var sink = new FolderSink();
        var content = await FolderSink.ReadAsync(new OvaBuilder { Manifest = OvaBuilder.Plugin }.Build(), sink);

        var d = content.Descriptor;
        d.Product.ShouldBe(new OvaProduct("Probe", "Example", "1.0.0", "Debian"));
        d.Hardware.Vcpus.ShouldBe(1);
        d.Hardware.MemoryMiB.ShouldBe(128);
        d.Hardware.Controllers.ShouldBe([new OvfController("scsi", 0, "vmpvscsi")]);
        d.Hardware.Drives.Select(x => (x.DiskId, x.Bus)).ShouldBe([("system", "scsi"), ("data", "scsi")]);
        d.Hardware.Cards.ShouldBe([new OvfCard("vmxnet3", "Management")]);
        d.Disks.Select(x => (x.Id, x.CapacityBytes, x.FileId)).ShouldBe([("system", 8 << 20, "file1"), ("data", 256 << 20, null)]);
        d.Eulas.ShouldBe(["Do what you like."]);
        d.Properties.Single(p => p.Key == "mode").Values.ShouldBe(["dhcp", "static"]);
        d.Properties.Single(p => p.Key == "size").Default.ShouldBe("1");
        content.Signature.State.ShouldBe(SignatureState.None);
        content.SmallFiles.Keys.ShouldBe(["quarterdeck-plugin.json"]);
        content.Warnings.ShouldContain(w => w.Contains("Floppy"));
        sink.Done.Keys.ShouldBe(["system"]);
    }

    [Fact]
    public async Task A_deployment_option_chooses_items_and_values()
    {
        using var sink = new FolderSink();
        var d = (await FolderSink.ReadAsync(new OvaBuilder().Build(), sink, "large")).Descriptor;

        d.Hardware.Vcpus.ShouldBe(4);
        d.Properties.Single(p => p.Key == "size").Default.ShouldBe("9");
    }

    [Theory]
    [InlineData(64 << 10, 8 << 20)]
    [InlineData(4 << 10, 3 << 20)]
    [InlineData(1 << 20, (40 << 20) + 512)]
    [InlineData(64 << 10, (33L << 30) + 65536 * 3 + 1024)]
    public async Task An_image_equals_what_qemu_img_makes_of_the_same_file(int grain, long capacity)
    {
        using var sink = new FolderSink();
        var last = (capacity - 1) / grain;
        var vmdk = new VmdkBuilder { Capacity = capacity, Grain = grain }.Build(
            new long[] { 0, 1, 5, last / 2, last - 1, last }.Distinct().Select(i => (i, VmdkBuilder.Noise((int)i + 1, (int)Math.Min(grain, capacity - i * grain)))));
        await FolderSink.ReadAsync(new OvaBuilder { Disk = vmdk, Capacity = capacity }.Build(), sink);
        var theirs = Path.Combine(sink.Folder, "disk.vmdk");
        await File.WriteAllBytesAsync(theirs, vmdk);

        await QemuImgAsync("check", "-f", "qcow2", sink.Done["system"]);
        await QemuImgAsync("compare", "-f", "vmdk", "-F", "qcow2", theirs, sink.Done["system"]);
    }

    [Fact]
    public async Task Clusters_in_any_order_make_the_same_disk_when_few_tables_are_held()
    {
        // Six tables of 512 MiB each are written to in turn, and two are held.
        using var sink = new FolderSink();
        var (path, raw) = (Path.Combine(sink.Folder, "disk.qcow2"), Path.Combine(sink.Folder, "disk.raw"));
        const long Capacity = (3L << 30) - 512;
        using (var image = new Qcow2Writer(path, Capacity, held: 2))
        await using (var plain = File.Create(raw))
        {
            plain.SetLength(Capacity);
            for (var i = 0; i < 600; i++)
            {
                var (offset, data) = (((i * 7919L) % 49151) << 16, VmdkBuilder.Noise(i));
                image.Write(offset, data).ShouldBeTrue();
                plain.Position = offset;
                plain.Write(data);
            }
            image.Write(0, VmdkBuilder.Noise(1)).ShouldBeFalse("a cluster is written once");
            image.Finish();
        }

        await QemuImgAsync("check", "-f", "qcow2", path);
        await QemuImgAsync("compare", "-f", "raw", "-F", "qcow2", raw, path);
    }

    [Theory]
    [InlineData("SHA1", false)]
    [InlineData("SHA256", true)]
    [InlineData("SHA512", false)]
    [InlineData("SHA512", true)]
    public async Task Every_digest_is_verified_before_or_behind_the_disks(string algorithm, bool last)
    {
        using var sink = new FolderSink();
        var content = await FolderSink.ReadAsync(new OvaBuilder { Digests = new HashAlgorithmName(algorithm), ManifestLast = last }.Build(), sink);

        content.Signature.State.ShouldBe(SignatureState.None);
    }

    [Fact]
    public async Task A_signature_that_holds_names_its_publisher()
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=Example Publisher", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        using var sink = new FolderSink();
        var content = await FolderSink.ReadAsync(new OvaBuilder { Sign = m => $"SHA256(probe.mf)= {Convert.ToHexStringLower(key.SignData(m, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}\n{certificate.ExportCertificatePem()}\n" }.Build(), sink);

        content.Signature.ShouldBe(new OvaSignature(SignatureState.Untrusted, "CN=Example Publisher"));
    }

    [Fact]
    public async Task Without_a_manifest_no_plugin_file_is_believed()
    {
        using var sink = new FolderSink();
        var content = await FolderSink.ReadAsync(new OvaBuilder { Manifest = OvaBuilder.Plugin, Digests = null }.Build(), sink);

        content.Signature.HasDigests.ShouldBeFalse();
        content.SmallFiles.ShouldBeEmpty();
    }

    [Fact]
    public async Task Long_names_in_pax_headers_are_understood()
    {
        var name = new string('d', 150) + ".vmdk";
        var files = new OvaBuilder { DiskName = name, Capacity = 8 << 20 }.Files();
        var tar = new TarBuilder();
        foreach (var (file, content) in files)
        {
            if (file == name) tar.Pax(("path", name), ("mtime", "1.5"));
            tar.File(file, content);
        }
        using var sink = new FolderSink();
        await FolderSink.ReadAsync(tar.Build(), sink);

        sink.Done.Keys.ShouldBe(["system"]);
    }

    internal static async Task QemuImgAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("qemu-img", arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, $"qemu-img {string.Join(' ', arguments)}: {errors}{await output}");
    }
}
