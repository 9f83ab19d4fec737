using System.Net.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Api;

/// <summary>Writes <c>/openapi/v1.json</c> from the endpoints themselves.</summary>
internal static class OpenApiSetup
{
    public static IServiceCollection AddDescription(this IServiceCollection services) => services.AddOpenApi("v1", o =>
    {
        o.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        o.ShouldInclude = d => d.RelativePath?.StartsWith("api/v1/", StringComparison.Ordinal) == true;
        o.AddDocumentTransformer((document, _, _) => { Head(document); return Task.CompletedTask; });
        o.AddOperationTransformer(DescribeAsync);
    });

    private static void Head(OpenApiDocument document)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Quarterdeck", Version = "v1",
            Description = "JSON in camelCase; times in RFC 3339, UTC; enums as lower-case words. Errors are problem details (RFC 9457) with `title`, `detail` and, for wrong fields, `errors`. Long work answers 202 with the operation to follow.",
        };
        document.Servers = []; // the address that served it
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            ["token"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "An API token from Administration, Tokens." },
        };
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("token", document)] = [] }];
    }

    private static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var path = context.Description.RelativePath!["api/v1/".Length..];
        operation.Tags = new HashSet<OpenApiTagReference> { new(path.Split('/')[0], context.Document) };
        operation.OperationId = OperationId(context.Description.HttpMethod!, path);
        foreach (var need in metadata.OfType<NeedsPermission>())
            operation.Description = $"Needs the permission `{need.Permission.Key}`: {need.Permission.Description} (role {need.Permission.Minimum.ToString().ToLowerInvariant()} or higher).";
        if (metadata.OfType<ListParameters>().Any())
        {
            Query("page", "The page's number, from 1.", JsonSchemaType.Integer);
            Query("pageSize", "Rows a page, 1 to 500; 50 when absent.", JsonSchemaType.Integer);
            Query("sort", "A field, with `-` in front for descending order.", JsonSchemaType.String);
            Query("search", "Text to find.", JsonSchemaType.String);
        }
        foreach (var query in metadata.OfType<QueryParameter>()) Query(query.Name, query.Description, JsonSchemaType.String);
        if (metadata.OfType<BodyShape>().FirstOrDefault() is { } body)
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = new Dictionary<string, OpenApiMediaType> { [body.ContentType] = new() { Schema = await context.GetOrCreateSchemaAsync(body.Type, null, cancellation) } },
            };
        if (metadata.OfType<UploadShape>().FirstOrDefault() is { } upload)
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true, Description = upload.Description,
                Content = new Dictionary<string, OpenApiMediaType> { ["multipart/form-data"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.Object } } },
            };
        await ProblemsAsync(operation, context, body: operation.RequestBody is not null, named: path.Contains('{'), cancellation);

        void Query(string name, string description, JsonSchemaType type) =>
            (operation.Parameters ??= []).Add(new OpenApiParameter { Name = name, In = ParameterLocation.Query, Description = description, Schema = new OpenApiSchema { Type = type } });
    }

    private static async Task ProblemsAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, bool body, bool named, CancellationToken cancellation)
    {
        var schema = await context.GetOrCreateSchemaAsync(typeof(ProblemBody), null, cancellation);
        var statuses = new List<(string, string)> { ("401", "No valid token"), ("403", "The token may not do this"), ("422", "A field or parameter is wrong"), ("503", "Something this depends on is away") };
        if (named) statuses.Add(("404", "No such object"));
        if (context.Description.HttpMethod is not "GET") statuses.Add(("409", "The present state forbids it"));
        if (body) statuses.AddRange([("400", "The body cannot be read"), ("413", "The body is too large"), ("415", "The body has another content type")]);
        operation.Responses ??= [];
        foreach (var (status, description) in statuses.OrderBy(s => s.Item1, StringComparer.Ordinal))
            operation.Responses.TryAdd(status, new OpenApiResponse
            {
                Description = description,
                Content = new Dictionary<string, OpenApiMediaType> { ["application/problem+json"] = new() { Schema = schema } },
            });
    }

    /// <summary><c>getVmsByIdSnapshots</c>: unique, and stable as long as the address is.</summary>
    private static string OperationId(string method, string path) => method.ToLowerInvariant() + string.Concat(path.Split('/', '-').Select(p =>
        p.StartsWith('{') ? "By" + Upper(p.Trim('{', '}').Split(':')[0]) : Upper(p)));

    private static string Upper(string word) => word.Length == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..];
}
