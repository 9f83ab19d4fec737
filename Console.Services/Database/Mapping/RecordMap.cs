using System.Reflection;
using Dapper;

namespace Quarterdeck.Database.Mapping;

/// <summary>Maps rows to positional records by column names alone.</summary>
/// <remarks>Dapper's own map also compares types, but SQLite knows only 64-bit integers: an <c>int</c>, <c>bool</c> or enum parameter would match on PostgreSQL and fail on SQLite. Values are converted either way.</remarks>
internal sealed class RecordMap(Type type) : SqlMapper.ITypeMap
{
    private readonly DefaultTypeMap _default = new(type);

    public ConstructorInfo? FindConstructor(string[] names, Type[] types)
    {
        foreach (var constructor in type.GetConstructors(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance))
        {
            var parameters = constructor.GetParameters();
            if (parameters.Length == names.Length && parameters.Length > 0 && parameters.Zip(names).All(p => Same(p.First.Name!, p.Second)))
                return constructor;
        }
        return _default.FindConstructor(names, types);
    }

    public ConstructorInfo? FindExplicitConstructor() => _default.FindExplicitConstructor();

    public SqlMapper.IMemberMap GetConstructorParameter(ConstructorInfo constructor, string columnName) =>
        new Parameter(columnName, Array.Find(constructor.GetParameters(), p => Same(p.Name!, columnName))
            ?? throw new InvalidOperationException($"{type} has no constructor parameter for column '{columnName}'."));

    public SqlMapper.IMemberMap? GetMember(string columnName) => _default.GetMember(columnName);

    private static bool Same(string name, string column) => string.Equals(name, column.Replace("_", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);

    private sealed class Parameter(string column, ParameterInfo parameter) : SqlMapper.IMemberMap
    {
        public string ColumnName => column;
        public Type MemberType => parameter.ParameterType;
        public PropertyInfo? Property => null;
        public FieldInfo? Field => null;
        ParameterInfo? SqlMapper.IMemberMap.Parameter => parameter;
    }
}
