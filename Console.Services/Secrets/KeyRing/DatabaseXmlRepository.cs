using System.Xml.Linq;
using Dapper;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Quarterdeck.Database;

namespace Quarterdeck.Secrets.KeyRing;

/// <summary>The key ring in the database, so that all nodes share it. The elements are encrypted before they come here.</summary>
internal sealed class DatabaseXmlRepository(Db db, TimeProvider time) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var connection = db.Source.OpenConnection();
        return [.. connection.Query<string>("SELECT xml FROM protection_keys ORDER BY created_at, name").Select(x => XElement.Parse(x))];
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        using var connection = db.Source.OpenConnection();
        connection.Execute("""
            INSERT INTO protection_keys (name, xml, created_at) VALUES (@friendlyName, @xml, @now)
            ON CONFLICT (name) DO UPDATE SET xml = @xml
            """, new { friendlyName, xml = element.ToString(SaveOptions.DisableFormatting), now = time.GetUtcNow() });
    }
}
