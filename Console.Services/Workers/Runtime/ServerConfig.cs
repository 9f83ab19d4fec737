using System.Text;

namespace Quarterdeck.Workers.Runtime;

/// <summary>workerd's configuration: written once for each compute server, the same for all workers.</summary>
internal static class ServerConfig
{
    /// <summary>Name of the configuration in the server's folder.</summary>
    public const string FileName = "server.capnp";

    /// <summary>Writes it, and the dispatcher's modules, into the folder that the process sees as <paramref name="seen"/>.</summary>
    public static void Write(string folder, string seen, int heapMiB)
    {
        foreach (var module in RuntimeFiles.Dispatcher) File.WriteAllText(Path.Combine(folder, module), RuntimeFiles.Read(module));
        var modules = string.Join(", ", RuntimeFiles.Dispatcher.Select(module => $"(name = \"{module}\", {(RuntimeFiles.IsClient(module) ? "text" : "esModule")} = embed \"{module}\")"));
        File.WriteAllText(Path.Combine(folder, FileName), $$"""
            using Workerd = import "/workerd/workerd.capnp";
            const config :Workerd.Config = (
              v8Flags = ["--max-heap-size={{heapMiB}}"],
              logging = (structuredLogging = true),
              services = [
                (name = "dispatcher", worker = (
                  modules = [{{modules}}],
                  compatibilityDate = "2026-11-01", compatibilityFlags = ["service_binding_extra_handlers"],
                  bindings = [(name = "LOADER", workerLoader = (id = "workers")), (name = "HOST", service = "host"), (name = "NET", service = "net")],
                  globalOutbound = "internet")),
                (name = "host", external = (address = "unix:{{Text(seen)}}/host.sock", http = ())),
                (name = "net", external = (address = "unix:{{Text(seen)}}/net.sock", http = (forwardedProtoHeader = "x-quarterdeck-scheme"))),
                (name = "internet", network = (allow = [])), # without it workerd makes one of this name that reaches everything
              ],
              sockets = [
                (name = "http", http = (forwardedProtoHeader = "x-forwarded-proto"), service = "dispatcher"),
                (name = "admin", http = (), service = (name = "dispatcher", entrypoint = "admin")),
              ],
            );
            """, new UTF8Encoding(false));
    }

    private static string Text(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
}
