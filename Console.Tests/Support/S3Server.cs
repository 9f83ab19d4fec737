using System.Diagnostics;
using Amazon.S3;
using Quarterdeck.Repositories.Objects;

namespace Quarterdeck.Tests.Support;

/// <summary>An S3 service from npm on a free loopback port, in memory; ends with the test process even when that is killed.</summary>
internal sealed class S3Server : IAsyncDisposable
{
    public const string Bucket = "backups", AccessKey = "test", SecretKey = "test-secret";
    private static readonly SemaphoreSlim Once = new(1);
    private readonly Process _process;

    private S3Server(Process process, int port) => (_process, Endpoint) = (process, new Uri($"http://127.0.0.1:{port}"));

    public Uri Endpoint { get; }

    public static async Task<S3Server> StartAsync()
    {
        var folder = Path.Combine(TestConsole.RepositoryRoot, "build", "s3");
        await Once.WaitAsync();
        try
        {
            if (!Directory.Exists(Path.Combine(folder, "node_modules", "fauxqs")))
            {
                using var install = Process.Start(new ProcessStartInfo("npm", ["ci", "--no-progress", "--loglevel=error"]) { WorkingDirectory = folder })!;
                await install.WaitForExitAsync();
                install.ExitCode.ShouldBe(0, "npm ci in build/s3");
            }
        }
        finally { Once.Release(); }
        var process = Process.Start(new ProcessStartInfo("node", [Path.Combine(folder, "server.mjs")]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        var server = new S3Server(process, int.Parse(await process.StandardOutput.ReadLineAsync() ?? "0"));
        using var client = new AmazonS3Client(AccessKey, SecretKey, new AmazonS3Config { ServiceURL = server.Endpoint.ToString(), ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
        await client.PutBucketAsync(Bucket);
        return server;
    }

    public S3Store Store(string prefix) => new(new S3Place(Endpoint, Bucket, prefix, "us-east-1", AccessKey, SecretKey), allowPrivate: true);

    /// <summary><c>ok</c>, <c>away</c>, <c>full</c> or <c>readonly</c>.</summary>
    public async Task TurnAsync(string mode)
    {
        await _process.StandardInput.WriteLineAsync(mode);
        await _process.StandardInput.FlushAsync();
        (await _process.StandardOutput.ReadLineAsync()).ShouldBe("mode " + mode);
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
