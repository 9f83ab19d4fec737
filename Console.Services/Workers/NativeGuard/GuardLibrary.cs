using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Quarterdeck.Workers.NativeGuard;

/// <summary>Decides whether the native guard may work in a workerd binary: only in one whose SHA-256 is in <c>known-workerd.txt</c>.</summary>
/// <remarks>Reading 160 MB takes half a second, so the answer is kept for as long as the file stays the same one (device, inode, size, time).</remarks>
internal sealed partial class GuardLibrary(ILogger<GuardLibrary> logger)
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "guard");
    private readonly ConcurrentDictionary<(string Path, FileIdentity Identity), GuardState> _known = new();

    /// <summary>The npm versions that the guard knows, by SHA-256 of the binary in lower-case hex.</summary>
    public static IReadOnlyDictionary<string, string> KnownBinaries { get; } = ReadKnown();

    /// <summary>Whether and how the guard works in this binary; never throws for what is in the file.</summary>
    public GuardState For(string workerdBinary) =>
        FileIdentity.Of(workerdBinary) is { } identity
            ? _known.GetOrAdd((workerdBinary, identity), key => Decide(key.Path, key.Identity))
            : new GuardState(null, $"There is no {workerdBinary}.", null);

    private GuardState Decide(string binary, FileIdentity identity)
    {
        var state = Examine(binary, identity);
        if (state.Reason is { } reason) Log.Off(logger, binary, reason);
        else Log.On(logger, binary, state.Binary!.Version);
        return state;
    }

    private static GuardState Examine(string binary, FileIdentity identity)
    {
        if (RuntimeInformation.ProcessArchitecture is not Architecture.X64) return Off("The guard is made for x86-64 only; the watchdog holds the limits.");
        var library = Path.Combine(Folder, "libquarterdeck-guard.so");
        if (!File.Exists(library)) return Off("The console was built without gcc, so there is no guard. Install gcc and libc6-dev and build again.");
        try
        {
            using var file = File.OpenRead(binary);
            var digest = Convert.ToHexStringLower(SHA256.HashData(file));
            if (!KnownBinaries.TryGetValue(digest, out var version))
                return Off($"This workerd (SHA-256 {digest[..12]}…) is not one that the guard knows ({string.Join(", ", KnownBinaries.Values)}); the watchdog holds the limits.");
            if (!ElfSymbols.Find(file, GuardSymbols.Names).TryGet(out var symbols, out var problem)) return Off(problem.Detail);
            if (FileIdentity.Of(binary) != identity) return Off("The file changed while it was read; start the compute servers again.");
            return new GuardState(library, null, new GuardedBinary(version, identity, symbols));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Off($"{binary} cannot be read: {e.Message}");
        }

        static GuardState Off(string reason) => new(null, reason, null);
    }

    private static Dictionary<string, string> ReadKnown()
    {
        using var list = Assembly.GetExecutingAssembly().GetManifestResourceStream("workers/known-workerd.txt")!;
        using var reader = new StreamReader(list);
        return reader.ReadToEnd().Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' ', 2)).ToDictionary(parts => parts[0], parts => parts[1].Trim());
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "The guard holds limits inside {Binary} (workerd {Version}).")]
        public static partial void On(ILogger logger, string binary, string version);

        [LoggerMessage(LogLevel.Warning, "The guard is off for {Binary}: {Reason}")]
        public static partial void Off(ILogger logger, string binary, string reason);
    }
}
