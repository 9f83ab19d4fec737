using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Quarterdeck.Tests.Support;

/// <summary>Wrangler project folders, sent as they are.</summary>
internal static class ProjectFolder
{
    /// <summary>Makes a folder, deploys it over REST, and removes it.</summary>
    /// <returns>The answer, which has the worker's name, version and warnings.</returns>
    public static async Task<JsonElement> DeployAsync(TestConsole console, Action<string> make)
    {
        var folder = Directory.CreateTempSubdirectory("qd-project-").FullName;
        try
        {
            make(folder);
            using var packed = new MemoryStream();
            await using (var zipped = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) await TarFile.CreateFromDirectoryAsync(folder, zipped, includeBaseDirectory: false);
            using var body = new ByteArrayContent(packed.ToArray()) { Headers = { ContentType = new MediaTypeHeaderValue("application/gzip") } };
            using var answer = await console.Rest.PostAsync("/api/v1/workers/projects", body);
            var text = await answer.Content.ReadAsStringAsync();
            answer.StatusCode.ShouldBe(HttpStatusCode.Created, text);
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    /// <summary>A file of a folder, with the folders above it.</summary>
    public static void Write(string folder, string name, string text)
    {
        var path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>A folder with all below it.</summary>
    public static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var path = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Copy(file, path);
        }
    }
}
