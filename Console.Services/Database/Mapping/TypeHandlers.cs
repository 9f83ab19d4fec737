using System.Data;
using Dapper;

namespace Quarterdeck.Database.Mapping;

/// <summary>How values are stored, told to Dapper once for the process: both engines then keep the same text and numbers.</summary>
internal static class TypeHandlers
{
    /// <summary>Called by the static constructor of <see cref="Db"/>: Dapper's settings are static, and no store runs without a Db.</summary>
    public static void Register()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.TypeMapProvider = type => new RecordMap(type);
        Replace(new GuidHandler());
        Replace(new TimeHandler());
    }

    private static void Replace<T>(SqlMapper.TypeHandler<T> handler) where T : struct
    {
        SqlMapper.RemoveTypeMap(typeof(T));
        SqlMapper.RemoveTypeMap(typeof(T?));
        SqlMapper.AddTypeHandler(handler);
    }

    /// <summary>Guid as TEXT, lower-case with dashes.</summary>
    private sealed class GuidHandler : SqlMapper.TypeHandler<Guid>
    {
        public override void SetValue(IDbDataParameter parameter, Guid value)
        {
            parameter.DbType = DbType.String;
            parameter.Value = value.ToString("D");
        }

        public override Guid Parse(object value) => value is Guid id ? id : Guid.ParseExact((string)value, "D");
    }

    /// <summary>DateTimeOffset as BIGINT, microseconds since 1970 in UTC: what PostgreSQL's own timestamps resolve.</summary>
    private sealed class TimeHandler : SqlMapper.TypeHandler<DateTimeOffset>
    {
        public override void SetValue(IDbDataParameter parameter, DateTimeOffset value)
        {
            parameter.DbType = DbType.Int64;
            parameter.Value = Timestamp.ToColumn(value);
        }

        public override DateTimeOffset Parse(object value) => Timestamp.FromColumn(Convert.ToInt64(value));
    }
}
