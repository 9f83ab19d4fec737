using System.Text.Json;
using System.Text.Json.Serialization;
using Quarterdeck.Platform;
using Quarterdeck.Web.Api;

namespace Quarterdeck.Web.Plugins;

/// <summary>Bodies on the appliance listener: JSON of at most 64 KiB; members that are not known are ignored, so that newer appliances get on with older consoles.</summary>
internal static class ListenerBody
{
    public const int MaxBytes = 64 << 10;

    public static readonly JsonSerializerOptions Json = Options();

    private static JsonSerializerOptions Options()
    {
        var json = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        RestApi.Conventions(json);
        json.UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip;
        json.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        json.MaxDepth = 24;
        json.MakeReadOnly(populateMissingResolver: true);
        return json;
    }

    /// <exception cref="BadHttpRequestException">413, 415 or 400.</exception>
    public static async Task<Result<T>> ReadAsync<T>(HttpContext http) where T : class
    {
        if (!http.Request.HasJsonContentType()) throw new BadHttpRequestException("Not JSON.", StatusCodes.Status415UnsupportedMediaType);
        try
        {
            using var document = await JsonDocument.ParseAsync(http.Request.Body, new JsonDocumentOptions { MaxDepth = 24 }, http.RequestAborted);
            // Members of the request outlive the document.
            return BodyFields.Read<T>(document.RootElement.Clone(), Json);
        }
        catch (JsonException e)
        {
            throw new BadHttpRequestException($"The body is not valid JSON: line {e.LineNumber + 1}, character {e.BytePositionInLine + 1}.", e);
        }
    }
}
