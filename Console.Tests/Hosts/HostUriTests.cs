using FsCheck;
using FsCheck.Fluent;
using Quarterdeck.Hosts;

namespace Quarterdeck.Tests.Hosts;

public sealed class HostUriTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("qd-uri-").FullName;

    public HostUriTests()
    {
        Directory.CreateDirectory(Path.Combine(_root, "images"));
        Directory.CreateDirectory(Path.Combine(_root, "sockets"));
        File.WriteAllText(Path.Combine(_root, "images/farm one.xml"), "<node/>");
        File.WriteAllText(Path.Combine(_root, "images/puller.xml"), "<node><domain file='/etc/passwd'/></node>");
        File.WriteAllText(Path.Combine(_root, "images/dtd.xml"), "<!DOCTYPE node [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><node>&x;</node>");
        File.WriteAllText(Path.Combine(_root, "outside.xml"), "<node/>");
        File.WriteAllText(Path.Combine(_root, "sockets/sock"), "");
        File.CreateSymbolicLink(Path.Combine(_root, "images/link.xml"), Path.Combine(_root, "outside.xml"));
        File.CreateSymbolicLink(Path.Combine(_root, "images/folder"), _root);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("qemu:///system", "qemu:///system")]
    [InlineData("qemu:///session", "qemu:///session")]
    [InlineData("qemu+unix:///system", "qemu+unix:///system")]
    [InlineData("qemu+unix:///system?socket=ROOT/sockets/sock", "qemu+unix:///system?socket=ROOT/sockets/sock")]
    [InlineData("qemu+tcp://127.0.0.1/system", "qemu+tcp://127.0.0.1/system")]
    [InlineData("qemu+tcp://localhost:16509/system", "qemu+tcp://localhost:16509/system")]
    [InlineData("qemu+tcp://[::1]/system", "qemu+tcp://[::1]/system")]
    [InlineData("qemu+tls://node1.example.org/system", "qemu+tls://node1.example.org/system")]
    [InlineData("qemu://node1.example.org/system", "qemu+tls://node1.example.org/system")]
    [InlineData("qemu+ssh://root@node1/system", "qemu+ssh://root@node1/system?no_tty=1")]
    [InlineData("qemu+ssh://node1:2222/system?no_tty=1", "qemu+ssh://node1:2222/system?no_tty=1")]
    [InlineData("test:///default", "test:///default")]
    [InlineData("test:///ROOT/images/farm one.xml", "test://ROOT/images/farm one.xml")]
    public void An_allowed_uri_gets_its_canonical_form_which_is_allowed_again(string text, string canonical)
    {
        var uri = Parse(text).Value;
        uri.Text.ShouldBe(canonical.Replace("ROOT", _root));
        Parse(uri.Text).Value.Text.ShouldBe(uri.Text);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("qemu+ext:///system?command=/bin/sh")]
    [InlineData("qemu+ssh://host/system?command=/tmp/evil")]
    [InlineData("qemu+ssh://host/system?netcat=/tmp/evil")]
    [InlineData("qemu+ssh://host/system?keyfile=/etc/shadow")]
    [InlineData("qemu+ssh://host/system?no_tty=1&command=/tmp/evil")]
    [InlineData("qemu+ssh://host/system?no_verify=1")]
    [InlineData("qemu+ssh://-oProxyCommand=reboot/system")]
    [InlineData("qemu+ssh://-oProxyCommand@host/system")]
    [InlineData("qemu+ssh://user:password@host/system")]
    [InlineData("qemu+ssh:///system")]
    [InlineData("qemu+libssh2://host/system?known_hosts=/etc/passwd")]
    [InlineData("qemu:///system?socket=/tmp/evil")]
    [InlineData("qemu:///system?name=qemu%2Bext:///system%3Fcommand=x")]
    [InlineData("qemu:///embed?root=/tmp")]
    [InlineData("qemu:///system#fragment")]
    [InlineData("qemu:///system\nqemu+ext:///")]
    [InlineData("qemu:///system\n")]
    [InlineData("qemu:///system ")]
    [InlineData("QEMU:///system")]
    [InlineData("qemu:///../system")]
    [InlineData("qemu+unix:///system?socket=/etc/passwd")]
    [InlineData("qemu+unix:///system?socket=ROOT/sockets/../outside.xml")]
    [InlineData("qemu+unix:///system?socket=ROOT/sockets/%2e%2e/outside.xml")]
    [InlineData("qemu+unix:///system?socket=ROOT/sockets/sock&mode=direct")]
    [InlineData("qemu+unix:///system?mode=legacy")]
    [InlineData("qemu+unix://host/system")]
    [InlineData("qemu+tcp://10.0.0.1/system")]
    [InlineData("qemu+tcp://127.0.0.1.evil.org/system")]
    [InlineData("qemu+tcp://[::ffff:10.0.0.1]/system")]
    [InlineData("qemu+tcp://127.0.0.1:99999/system")]
    [InlineData("qemu+tcp://127.0.0.1/system?sasl=none")]
    [InlineData("qemu+tls://node/system?no_verify=1")]
    [InlineData("qemu+tls://node/system?pkipath=/tmp")]
    [InlineData("test:///etc/passwd")]
    [InlineData("test:///ROOT/outside.xml")]
    [InlineData("test:///ROOT/images/../outside.xml")]
    [InlineData("test:///ROOT/images/link.xml")]
    [InlineData("test:///ROOT/images/folder/outside.xml")]
    [InlineData("test:///ROOT/images/puller.xml")]
    [InlineData("test:///ROOT/images/dtd.xml")]
    [InlineData("test:///ROOT/images/missing.xml")]
    [InlineData("test:///ROOT/images/farm%20one.xml")]
    [InlineData("test:///default?socket=x")]
    [InlineData("test+ext:///default?command=x")]
    [InlineData("test+unix:///default")]
    [InlineData("xen:///system")]
    [InlineData("esx://host/")]
    [InlineData("lxc:///")]
    [InlineData("remote+ext:///?command=x")]
    public void Everything_else_is_refused_with_the_field_and_a_remedy(string? text)
    {
        var problem = Parse(text).Problem.ShouldNotBeNull();
        problem.Errors.ShouldHaveSingleItem().Field.ShouldBe("uri");
        problem.Errors[0].Remedy.ShouldContain("qemu:///system");
    }

    [Fact]
    public void No_mutation_of_an_allowed_uri_smuggles_a_parameter_a_command_or_a_control_character()
    {
        string[] seeds = ["qemu:///system", "qemu+ssh://root@node1:22/system", "qemu+tls://node1/system", "qemu+tcp://127.0.0.1:16509/system", "qemu+unix:///session", "test:///default"];
        string[] pieces = ["?command=/bin/sh", "&netcat=x", "+ext", "+libssh", "%3F", "%00", "\0", "\n", " ", "#", "@", "-o", "?", "&", "=", ":", "/", "//", "..", "keyfile=/x", "socket=/tmp/x", "no_verify=1", "🚀", ";reboot", "`id`", "$(id)", "|"];
        var mutation =
            from seed in Gen.Elements(seeds)
            from piece in Gen.Elements(pieces)
            from second in Gen.Elements(pieces)
            from at in Gen.Choose(0, seed.Length)
            from also in Gen.Choose(0, seed.Length)
            select seed.Insert(at, piece).Insert(also, second);
        Prop.ForAll(mutation.ToArbitrary(), text =>
        {
            if (!Parse(text).TryGet(out var uri, out _)) return true;
            var query = uri.Text.Split('?', 2) is [_, var q] ? q : null;
            return query is null or "no_tty=1" && !uri.Text.Any(c => char.IsControl(c) || c is ' ' or '#' or '%' or '&' or ';' or '`' or '$' or '|')
                && !uri.Text.Contains("//-", StringComparison.Ordinal) && !uri.Text.Contains("@-", StringComparison.Ordinal) && (uri.Text.StartsWith("qemu", StringComparison.Ordinal) || uri.Text == "test:///default");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    private Quarterdeck.Platform.Result<HostUri> Parse(string? text) =>
        HostUri.Parse(text?.Replace("test:///ROOT", "test://" + _root).Replace("ROOT", _root), [Path.Combine(_root, "images")], [Path.Combine(_root, "sockets")]);
}
