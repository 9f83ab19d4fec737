using System.Globalization;
using System.Text;

namespace Quarterdeck.Workers.Runtime;

/// <summary>workerd's configuration: written once for each compute server, the same for all workers.</summary>
internal static class ServerConfig
{
    /// <summary>Name of the configuration in the server's folder.</summary>
    public const string FileName = "server.capnp";

    /// <summary>Ways out of a server to durable objects in others.</summary>
    public const int Lanes = 32;

    /// <summary>Writes it, and the dispatcher's modules, into the folder that the process sees as <paramref name="seen"/>.</summary>
    /// <param name="folder">Where it is written.</param>
    /// <param name="seen">The folder's path for the process.</param>
    /// <param name="heapMiB">Most heap of an isolate.</param>
    /// <param name="objects">Whose durable objects it has, the path of their folder for the process, and most bytes of one; null for none.</param>
    public static void Write(string folder, string seen, int heapMiB, (long Serial, string Seen, long MostBytes)? objects = null)
    {
        foreach (var module in RuntimeFiles.Dispatcher) File.WriteAllText(Path.Combine(folder, module), RuntimeFiles.Read(module));
        var lanes = Enumerable.Range(0, Lanes);
        var main = objects is null ? RuntimeFiles.Dispatcher : [RuntimeFiles.Owner, .. RuntimeFiles.Dispatcher.Where(module => module != RuntimeFiles.Owner)];
        var modules = string.Join(", ", main.Select(module => $"(name = \"{module}\", {(RuntimeFiles.IsClient(module) ? "text" : "esModule")} = embed \"{module}\")"));
        File.WriteAllText(Path.Combine(folder, FileName), $$"""
            using Workerd = import "/workerd/workerd.capnp";
            const config :Workerd.Config = (
              v8Flags = ["--max-heap-size={{heapMiB}}"],
              logging = (structuredLogging = true),
              services = [
                (name = "dispatcher", worker = (
                  modules = [{{modules}}],
                  compatibilityDate = "2026-11-01", compatibilityFlags = ["service_binding_extra_handlers"{{(objects is null ? "" : ", \"experimental\"")}}],
                  bindings = [(name = "LOADER", workerLoader = (id = "workers")), (name = "HOST", service = "host"), (name = "NET", service = "net"),
                    {{string.Join(", ", lanes.Select(n => $"(name = \"LANE{n}\", service = \"lane{n}\")"))}}{{(objects is { } own ? Bound(own.Serial, own.MostBytes) : "")}}],
                  {{(objects is null ? "" : Namespaces)}}
                  globalOutbound = "internet")),
                (name = "host", external = (address = "unix:{{Text(seen)}}/host.sock", http = ())),
                (name = "net", external = (address = "unix:{{Text(seen)}}/net.sock", http = (forwardedProtoHeader = "x-quarterdeck-scheme"))),
                {{string.Join("\n    ", lanes.Select(n => $"(name = \"lane{n}\", external = (address = \"unix:{Text(seen)}/lane-{n}.sock\", {Between})),"))}}
                {{(objects is { } data ? $"(name = \"data\", disk = (path = \"{Text(data.Seen)}\", writable = true))," : "")}}
                (name = "internet", network = (allow = [])), # without it workerd makes one of this name that reaches everything
              ],
              sockets = [
                (name = "http", http = (forwardedProtoHeader = "x-quarterdeck-scheme", cfBlobHeader = "x-quarterdeck-cf"), service = "dispatcher"),
                (name = "admin", http = (), service = (name = "dispatcher", entrypoint = "admin")),
                {{(objects is null ? "" : $"(name = \"gate\", {Between}, service = (name = \"dispatcher\", entrypoint = \"objects\")),")}}
              ],
            );
            """, new UTF8Encoding(false));
    }

    // What both ends of a lane say of a request besides its headers.
    private const string Between = "http = (capnpConnectHost = \"objects\", forwardedProtoHeader = \"x-quarterdeck-scheme\", cfBlobHeader = \"x-quarterdeck-cf\")";

    // The uniqueKeys name the folders of the storage: they never change.
    private const string Namespaces = """
        durableObjectNamespaces = [(className = "Objects", uniqueKey = "objects", enableSql = true), (className = "Directory", uniqueKey = "directory", enableSql = true)],
        durableObjectStorage = (localDisk = "data"),
        """;

    private static string Bound(long serial, long mostBytes) => string.Create(CultureInfo.InvariantCulture,
        $", (name = \"SERIAL\", json = \"{serial}\"), (name = \"MOST\", json = \"{mostBytes}\"), (name = \"OBJECTS\", durableObjectNamespace = \"Objects\"), (name = \"DIRECTORY\", durableObjectNamespace = \"Directory\")");

    private static string Text(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
}
