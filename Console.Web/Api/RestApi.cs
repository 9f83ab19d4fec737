using System.Text.Json;
using System.Text.Json.Serialization;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Api;

/// <summary>REST under <c>/api/v1</c>: the group that rooms map their endpoints on, and the pipeline around it. See <c>docs/rest.md</c>.</summary>
public static class RestApi
{
    /// <summary>Where all of REST begins.</summary>
    public const string Base = "/api/v1";

    /// <summary>Registers JSON conventions, OpenAPI and the body reader's settings.</summary>
    public static IServiceCollection AddApi(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(o => Conventions(o.SerializerOptions));
        services.AddDescription();
        return services;
    }

    /// <summary>The group <c>/api/v1</c>: bearer tokens only.</summary>
    public static RouteGroupBuilder MapApiGroup(this WebApplication app)
    {
        var api = app.MapGroup(Base).RequireAuthorization(AccessPolicies.Bearer).DisableAntiforgery();
        UnknownRoutes.Map(app);
        app.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();
        return api;
    }

    /// <summary>camelCase, enums as lower-case words, times as RFC 3339 in UTC; unknown and duplicate fields are refused, so that no setting is silently dropped.</summary>
    public static void Conventions(JsonSerializerOptions json)
    {
        json.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        json.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        json.AllowDuplicateProperties = false;
        json.NumberHandling = JsonNumberHandling.Strict;
        json.RespectNullableAnnotations = true;
        json.RespectRequiredConstructorParameters = true;
        json.Converters.Add(new JsonStringEnumConverter(new LowerCase(), allowIntegerValues: false));
        json.Converters.Add(new UtcTimes());
    }

    private sealed class LowerCase : JsonNamingPolicy
    {
        public override string ConvertName(string name) => name.ToLowerInvariant();
    }

    private sealed class UtcTimes : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.GetDateTimeOffset().ToUniversalTime();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", System.Globalization.CultureInfo.InvariantCulture));
    }
}
