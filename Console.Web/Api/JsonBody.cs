using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Quarterdeck.Platform;

namespace Quarterdeck.Web.Api;

/// <summary>A JSON body that the endpoint reads when it has decided 401, 403 and 404: binding touches nothing.</summary>
/// <remarks>413 above the limit, 415 for another type, 400 when it is not JSON, 422 when a field is wrong, unknown or missing.</remarks>
public readonly struct JsonBody<T> : Microsoft.AspNetCore.Http.Metadata.IEndpointParameterMetadataProvider where T : class
{
    /// <summary>Bytes that a JSON body may have.</summary>
    public const int MaxBytes = 1 << 20;

    private readonly HttpContext _context;

    private JsonBody(HttpContext context) => _context = context;

    /// <summary>Reads and checks it.</summary>
    /// <exception cref="BadHttpRequestException">415 or 400.</exception>
    public async Task<Result<T>> ReadAsync(CancellationToken cancellation)
    {
        var request = _context.Request;
        var tooLarge = Problem.TooLarge($"The body may have at most {MaxBytes >> 10} KiB.");
        if (request.ContentLength > MaxBytes) return tooLarge;
        if (!request.HasJsonContentType()) throw new BadHttpRequestException("Not JSON.", StatusCodes.Status415UnsupportedMediaType);
        if (_context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = MaxBytes;
        var options = _context.RequestServices.GetRequiredService<IOptions<Microsoft.AspNetCore.Http.Json.JsonOptions>>().Value.SerializerOptions;
        try
        {
            // Two steps, because a text that is no JSON (400) and a field that is wrong (422) differ.
            using var document = await JsonDocument.ParseAsync(request.Body, new JsonDocumentOptions { MaxDepth = 32 }, cancellation);
            return BodyFields.Read<T>(document.RootElement, options);
        }
        catch (JsonException e)
        {
            throw new BadHttpRequestException($"The body is not valid JSON: line {e.LineNumber + 1}, character {e.BytePositionInLine + 1}.", StatusCodes.Status400BadRequest, e);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return tooLarge;
        }
    }

    /// <summary>Called by the framework; reads nothing.</summary>
    public static ValueTask<JsonBody<T>> BindAsync(HttpContext context) => ValueTask.FromResult(new JsonBody<T>(context));

    static void Microsoft.AspNetCore.Http.Metadata.IEndpointParameterMetadataProvider.PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new BodyShape(typeof(T)));
}

/// <summary>Endpoint metadata: the body's type, for OpenAPI. Not <c>Accepts</c>, with which routing would answer 415 before 401.</summary>
internal sealed record BodyShape(Type Type, string ContentType = "application/json");
