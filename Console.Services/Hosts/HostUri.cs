using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using System.Xml;
using Quarterdeck.Hosts.Storage;
using Quarterdeck.Platform;

namespace Quarterdeck.Hosts;

/// <summary>A libvirt URI that passed the allow-list. A URI is code: libvirt would run <c>qemu+ext:///…?command=</c> as this process.</summary>
/// <param name="Text">The canonical form, as it is stored and shown.</param>
/// <param name="Local">Whether the hypervisor is on this machine and shares its files.</param>
/// <remarks>The text is matched by one strict expression rather than parsed by a lenient library, so that libvirt's parser cannot see more in it than this one.</remarks>
public sealed partial record HostUri(string Text, bool Local)
{
    /// <summary>What libvirt is given: the same, percent-encoded where a file's path needs it.</summary>
    internal string Libvirt { get; private init; } = Text;

    private const string Examples = "Allowed are qemu:///system, qemu:///session, qemu+unix:///system?socket=PATH, qemu+tcp://127.0.0.1/system, qemu+tls://HOST/system, qemu+ssh://USER@HOST/system, test:///default and test:///FILE.";

    /// <summary>Checks a URI; Invalid names the field <c>uri</c> and the remedy.</summary>
    /// <param name="text">As the user wrote it.</param>
    /// <param name="imageRoots">Folders from which <c>test:///FILE</c> may be taken.</param>
    /// <param name="socketRoots">Folders in which a socket may be.</param>
    public static Result<HostUri> Parse(string? text, IReadOnlyList<string> imageRoots, IReadOnlyList<string> socketRoots)
    {
        if (string.IsNullOrEmpty(text)) return Bad("It is missing.");
        if (text.Length > 1024) return Bad("It is longer than 1024 characters.");
        if (text.StartsWith("test:", StringComparison.Ordinal)) return Test(text, imageRoots);
        var match = Shape().Match(text);
        if (!match.Success) return Bad("It is not one of the allowed forms.");
        var (transport, user, host, port, path, query) = (Part("transport"), Part("user"), Part("host"), Part("port"), match.Groups["path"].Value, Part("query"));
        if (port is not null && int.Parse(port, CultureInfo.InvariantCulture) is < 1 or > 65535) return Bad($"The port {port} is not between 1 and 65535.");
        if (user is not null && transport != "ssh") return Bad("Only qemu+ssh takes a user.");
        if (transport is null && host is not null) transport = "tls"; // as libvirt understands it
        return transport switch
        {
            null when query is null => new HostUri($"qemu:///{path}", true),
            null => Bad("qemu:/// takes no parameters."),
            "unix" => Unix(host, port, path, query, socketRoots),
            "tcp" when query is not null => Bad("qemu+tcp takes no parameters."),
            "tcp" when !IsLoopback(host) => Bad("qemu+tcp is neither encrypted nor authenticated: only loopback is allowed. Use qemu+tls or qemu+ssh for another machine."),
            "tcp" => new HostUri($"qemu+tcp://{host}{Colon(port)}/{path}", false),
            "tls" when host is null => Bad("qemu+tls needs a host."),
            "tls" when query is not null => Bad("qemu+tls takes no parameters here: certificates are those that libvirt is set up with."),
            "tls" => new HostUri($"qemu+tls://{host}{Colon(port)}/{path}", false),
            _ => Ssh(user, host, port, path, query),
        };

        string? Part(string name) => match.Groups[name] is { Success: true } group ? group.Value : null;
    }

    /// <summary>The machine that a canonical URI names, to reach a screen that listens there.</summary>
    internal static string MachineOf(string uri) => Shape().Match(uri).Groups["host"] is { Success: true } host ? host.Value.Trim('[', ']') : "127.0.0.1";

    private static Result<HostUri> Unix(string? host, string? port, string path, string? query, IReadOnlyList<string> socketRoots)
    {
        if (host is not null || port is not null) return Bad("qemu+unix takes no host.");
        if (query is null) return new HostUri($"qemu+unix:///{path}", true);
        if (!query.StartsWith("socket=", StringComparison.Ordinal) || query.Contains('&', StringComparison.Ordinal)) return Bad("qemu+unix takes only the parameter 'socket'.");
        var socket = query["socket=".Length..];
        if (socket.Contains('%', StringComparison.Ordinal)) return Bad("The socket's path may not be percent-encoded.");
        if (FileRoots.Resolve(socket, socketRoots) is not { } resolved)
            return Bad($"The socket '{socket}' is not inside {string.Join(" or ", socketRoots)}, or does not exist. Quarterdeck__Hosts__SocketRoots__0 names further folders.");
        return new HostUri($"qemu+unix:///{path}?socket={resolved}", true);
    }

    private static Result<HostUri> Ssh(string? user, string? host, string? port, string path, string? query)
    {
        if (host is null) return Bad("qemu+ssh needs a host.");
        if (query is not (null or "no_tty=1")) return Bad("qemu+ssh takes no parameters here: keys and known hosts are those of the console's own user.");
        // Never ask on a terminal: a console has none, and the connection would hang.
        return new HostUri($"qemu+ssh://{(user is null ? "" : user + "@")}{host}{Colon(port)}/{path}?no_tty=1", false);
    }

    private static Result<HostUri> Test(string text, IReadOnlyList<string> imageRoots)
    {
        if (text == "test:///default") return new HostUri(text, true);
        if (!text.StartsWith("test:///", StringComparison.Ordinal)) return Bad("After test: come three slashes.");
        if (text.IndexOfAny(['?', '#', '%', '\0', '\n', '\r']) >= 0) return Bad("test:///FILE takes no parameters, escapes or fragments.");
        var file = text["test://".Length..];
        if (FileRoots.Resolve(file, imageRoots) is not { } resolved || !File.Exists(resolved))
            return Bad($"The file '{file}' is not inside the image roots ({string.Join(", ", imageRoots)}), or does not exist. QUARTERDECK_IMAGE_ROOTS names them.");
        return PullsInFiles(resolved) is { } why
            ? Bad(why)
            : new HostUri("test://" + resolved, true) { Libvirt = "test://" + string.Join('/', resolved.Split('/').Select(Uri.EscapeDataString)) };
    }

    // libvirt's mock driver follows file="…" attributes to any file of the machine.
    private static string? PullsInFiles(string path)
    {
        try
        {
            using var reader = XmlReader.Create(path, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, IgnoreWhitespace = true });
            while (reader.Read())
                if (reader is { NodeType: XmlNodeType.Element, Depth: 1 } && reader.GetAttribute("file") is not null)
                    return $"The file '{path}' takes <{reader.Name}> from another file, which is not allowed. Write it inline.";
            return null;
        }
        catch (Exception e) when (e is XmlException or IOException or UnauthorizedAccessException)
        {
            return $"The file '{path}' is not a readable XML description of a test host: {(e is XmlException ? "it is not well-formed" : e.Message)}.";
        }
    }

    private static bool IsLoopback(string? host) =>
        host is "localhost" || (IPAddress.TryParse(host?.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address) && !address.IsIPv4MappedToIPv6);

    private static string Colon(string? port) => port is null ? "" : ":" + port;

    private static Problem Bad(string message) => Problem.Invalid("uri", message, Examples);

    // Host and user begin with a letter or digit: one that began with a dash would be an option to ssh.
    [GeneratedRegex(@"\Aqemu(\+(?<transport>unix|tcp|tls|ssh))?://((?<user>[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})@)?(?<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252})?(:(?<port>[0-9]{1,5}))?/(?<path>system|session)(\?(?<query>[A-Za-z0-9_=&%./:+@-]{1,600}))?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Shape();
}
