using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Quarterdeck.Platform;
using Quarterdeck.Web.Api;
using Quarterdeck.Workers;

namespace Quarterdeck.Web.Workers;

/// <summary>Reads code that is sent in: multipart with <c>metadata</c> and modules, or with the files of a project folder; or an archive of one.</summary>
internal static class WorkerUploadReader
{
    private const int MaxMetadataBytes = 1 << 20, MaxBoundary = 200, MaxParts = 25_000;
    private const string Metadata = "metadata";

    /// <summary>Code with its metadata.</summary>
    /// <exception cref="BadHttpRequestException">415: not multipart; 400: damaged.</exception>
    public static async Task<Result<WorkerUpload>> UploadAsync(HttpContext http, CancellationToken cancellation)
    {
        if (!(await FilesAsync(http, cancellation)).TryGet(out var files, out var problem)) return problem;
        if (files.Find(f => f.Name == Metadata) is not { } said) return Problem.Invalid(Metadata, "It is missing.", "Send the part 'metadata' (JSON: mainModule, compatibilityDate, bindings, limits), then the modules.");
        if (said.Content.Length > MaxMetadataBytes) return Problem.TooLarge($"The part 'metadata' may have at most {MaxMetadataBytes >> 10} KiB.");
        var json = http.RequestServices.GetRequiredService<IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions>>().Value.SerializerOptions;
        try
        {
            using var document = JsonDocument.Parse(said.Content, new JsonDocumentOptions { MaxDepth = 32 });
            return BodyFields.Read<WorkerMetadata>(document.RootElement, json).Then(m => new WorkerUpload(m, [.. files.Where(f => f.Name != Metadata)]));
        }
        catch (JsonException e)
        {
            throw new BadHttpRequestException($"The part 'metadata' is not valid JSON: line {e.LineNumber + 1}, character {e.BytePositionInLine + 1}.", e);
        }
    }

    /// <summary>Every part as a file.</summary>
    public static async Task<Result<List<UploadedFile>>> FilesAsync(HttpContext http, CancellationToken cancellation)
    {
        if (!MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type) || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
            throw new BadHttpRequestException("Not multipart/form-data.", StatusCodes.Status415UnsupportedMediaType);
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        if (boundary is not { Length: > 0 and <= MaxBoundary }) throw new BadHttpRequestException("The multipart boundary is missing or too long.");
        if (Limit(http) is { } tooLarge) return tooLarge;
        var parts = new MultipartReader(boundary, http.Request.Body, 64 << 10) { HeadersCountLimit = 8, HeadersLengthLimit = 4 << 10 };
        var files = new List<UploadedFile>();
        try
        {
            while (await parts.ReadNextSectionAsync(cancellation) is { } part)
            {
                if (files.Count == MaxParts) return Problem.TooLarge($"An upload may have at most {MaxParts} parts.");
                if (!ContentDispositionHeaderValue.TryParse(part.ContentDisposition, out var disposition)) throw new BadHttpRequestException("A part has no Content-Disposition.");
                using var content = new MemoryStream();
                await part.Body.CopyToAsync(content, cancellation);
                files.Add(new UploadedFile(NameOf(disposition), content.ToArray()));
            }
            return files;
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge) { return Large(http); }
        catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw new BadHttpRequestException("The multipart body is damaged or ends early.", e);
        }
    }

    /// <summary>The whole body, such as an archive.</summary>
    public static async Task<Result<byte[]>> BodyAsync(HttpContext http, CancellationToken cancellation)
    {
        if (Limit(http) is { } tooLarge) return tooLarge;
        try
        {
            using var content = new MemoryStream();
            await http.Request.Body.CopyToAsync(content, cancellation);
            return content.ToArray();
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge) { return Large(http); }
    }

    // curl and browsers put only the last part of a path into the file name, so a part that is named like a file keeps its own name.
    private static string NameOf(ContentDispositionHeaderValue disposition)
    {
        var name = HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? "";
        var file = disposition.FileNameStar.HasValue ? disposition.FileNameStar.Value : HeaderUtilities.RemoveQuotes(disposition.FileName).Value;
        return name == Metadata || Path.HasExtension(name) || name.Contains('/') || file is not { Length: > 0 } ? name : file;
    }

    private static Problem? Limit(HttpContext http)
    {
        var most = http.RequestServices.GetRequiredService<IOptions<WorkersOptions>>().Value.UploadBytes;
        if (http.Request.ContentLength > most) return Large(http);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = most;
        return null;
    }

    private static Problem Large(HttpContext http) => Problem.TooLarge(
        $"The upload has more than {http.RequestServices.GetRequiredService<IOptions<WorkersOptions>>().Value.UploadBytes} bytes. An administrator can raise Quarterdeck:Workers:UploadBytes.");
}
