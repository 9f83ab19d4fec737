using System.Text;
using Microsoft.OpenApi;

namespace Quarterdeck.Web.Api;

/// <summary>A schema as a short text, in the shape of the JSON that it describes.</summary>
internal static class SchemaText
{
    /// <summary>Such as <c>{ "name": string, "disks": [ { … } ] }</c>, at most six levels deep.</summary>
    public static string Of(IOpenApiSchema? schema)
    {
        var text = new StringBuilder();
        Write(text, schema, 0);
        return text.ToString();
    }

    private static void Write(StringBuilder text, IOpenApiSchema? schema, int depth)
    {
        var variants = schema?.OneOf ?? schema?.AnyOf;
        if (variants is { Count: > 0 }) schema = variants.FirstOrDefault(v => v.Type is not JsonSchemaType.Null) ?? variants[0];
        if (schema?.Properties is { Count: > 0 } properties && depth < 6)
        {
            text.Append("{\n");
            foreach (var (name, property) in properties)
            {
                text.Append(' ', depth * 2 + 2).Append(name).Append(schema.Required?.Contains(name) == true ? ": " : "?: ");
                Write(text, property, depth + 1);
                text.Append('\n');
            }
            text.Append(' ', depth * 2).Append('}');
        }
        else if (schema?.Items is { } items)
        {
            text.Append("[ ");
            Write(text, items, depth);
            text.Append(" ]");
        }
        else if (schema?.Enum is { Count: > 0 } values)
        {
            text.AppendJoin(" | ", values.Select(v => v?.ToJsonString() ?? "null"));
        }
        else
        {
            text.Append(Word(schema));
        }
    }

    private static string Word(IOpenApiSchema? schema) => schema switch
    {
        null => "any",
        { Format: "uuid" } => "id",
        { Format: "date-time" } => "time",
        { Type: { } type } when type.HasFlag(JsonSchemaType.Integer) => "integer",
        { Type: { } type } when type.HasFlag(JsonSchemaType.Number) => "number",
        { Type: { } type } when type.HasFlag(JsonSchemaType.Boolean) => "true | false",
        { Type: { } type } when type.HasFlag(JsonSchemaType.String) => "text",
        { Type: { } type } when type.HasFlag(JsonSchemaType.Object) => "{ … }",
        _ => "any",
    };
}
