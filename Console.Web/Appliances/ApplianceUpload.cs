using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Quarterdeck.Appliances;
using Quarterdeck.Platform;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Appliances;

/// <summary>Reads a multipart upload part by part, as it arrives: <c>spec</c> (JSON) first, then <c>file</c>. Nothing is buffered on disk.</summary>
internal sealed class ApplianceUpload
{
    private const int MaxSpecBytes = 1 << 20, MaxBoundary = 200, MaxParts = 4;
    private readonly HttpContext _http;
    private readonly MultipartReader _parts;

    private ApplianceUpload(HttpContext http, string boundary) => (_http, _parts) = (http, new MultipartReader(boundary, http.Request.Body, 128 << 10) { HeadersCountLimit = 8, HeadersLengthLimit = 4 << 10 });

    /// <summary>What was asked for; null when the upload had no such part.</summary>
    public ApplianceSpec? Spec { get; private set; }

    /// <summary>Bytes of the whole request, which is a little more than the package; null when the client did not say.</summary>
    public long? Length => _http.Request.ContentLength;

    /// <summary>Begins to read.</summary>
    /// <exception cref="BadHttpRequestException">415: not multipart.</exception>
    public static Result<ApplianceUpload> Open(HttpContext http, long maxBytes)
    {
        if (!MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type) || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
            throw new BadHttpRequestException("Not multipart/form-data.", StatusCodes.Status415UnsupportedMediaType);
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        if (boundary is not { Length: > 0 and <= MaxBoundary }) throw new BadHttpRequestException("The multipart boundary is missing or too long.");
        var most = maxBytes + MaxSpecBytes + (64 << 10);
        if (http.Request.ContentLength > most) return Problem.TooLarge($"The package has more than {maxBytes} bytes. An administrator can raise Quarterdeck:Appliances:MaxPackageBytes.");
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = most;
        return new ApplianceUpload(http, boundary);
    }

    /// <summary>Reads up to the package; answers it as a stream.</summary>
    public Task<Result<Stream>> FileAsync(bool needsSpec, CancellationToken cancellation) => FileAsync<ApplianceSpec>(needsSpec, spec => Spec = spec, cancellation);

    /// <summary>The same where <c>spec</c> has another form.</summary>
    public async Task<Result<Stream>> FileAsync<T>(bool needsSpec, Action<T> told, CancellationToken cancellation) where T : class
    {
        var known = false;
        try
        {
            for (var count = 0; count < MaxParts && await _parts.ReadNextSectionAsync(cancellation) is { } part; count++)
            {
                if (!ContentDispositionHeaderValue.TryParse(part.ContentDisposition, out var disposition)) throw new BadHttpRequestException("A part has no Content-Disposition.");
                switch (HeaderUtilities.RemoveQuotes(disposition.Name).Value)
                {
                    case "spec":
                        if (!(await SpecAsync<T>(part.Body, cancellation)).TryGet(out var spec, out var wrong)) return wrong;
                        told(spec);
                        known = true;
                        break;
                    case "file":
                        if (needsSpec && !known) return Problem.Invalid("spec", "It is missing, or comes after the file.", "Send the part 'spec' (JSON) first, then 'file'.");
                        return part.Body;
                    case var name:
                        return Problem.Invalid(name ?? "part", "There is no such part.", "Send 'spec' (JSON) first, then 'file' (the OVA).");
                }
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw new BadHttpRequestException("The multipart body is damaged or ends early.", e);
        }
        return Problem.Invalid("file", "It is missing.", "Send the OVA as the part 'file'.");
    }

    private async Task<Result<T>> SpecAsync<T>(Stream body, CancellationToken cancellation) where T : class
    {
        var options = _http.RequestServices.GetRequiredService<IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions>>().Value.SerializerOptions;
        using var text = new MemoryStream();
        var buffer = new byte[16 << 10];
        for (int read; (read = await body.ReadAsync(buffer, cancellation)) > 0; text.Write(buffer, 0, read))
            if (text.Length + read > MaxSpecBytes) return Problem.TooLarge($"The part 'spec' may have at most {MaxSpecBytes >> 10} KiB.");
        text.Position = 0;
        try
        {
            using var document = await JsonDocument.ParseAsync(text, new JsonDocumentOptions { MaxDepth = 16 }, cancellation);
            return BodyFields.Read<T>(document.RootElement, options);
        }
        catch (JsonException e)
        {
            throw new BadHttpRequestException($"The part 'spec' is not valid JSON: line {e.LineNumber + 1}, character {e.BytePositionInLine + 1}.", e);
        }
    }
}
