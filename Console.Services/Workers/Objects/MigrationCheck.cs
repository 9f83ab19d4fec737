using System.Text.RegularExpressions;
using Quarterdeck.Platform;

namespace Quarterdeck.Workers.Objects;

/// <summary>What can be told of migrations without the database.</summary>
internal static partial class MigrationCheck
{
    private const int Most = 200, LongestTag = 100;

    [GeneratedRegex("^[A-Za-z_$][A-Za-z0-9_$]{0,63}$")]
    private static partial Regex ClassName();

    /// <summary>The migrations, in order; what is wrong goes into <paramref name="errors"/>.</summary>
    public static IReadOnlyList<ObjectMigration> Read(IReadOnlyList<ObjectMigration>? sent, IReadOnlyList<WorkerBinding> bindings, List<FieldError> errors)
    {
        if (sent is null) return [];
        if (sent.Count > Most) errors.Add(new("migrations", $"There are {sent.Count}.", $"Send at most {Most}; old ones that every worker has behind it can go."));
        var gone = new HashSet<string>();
        for (var i = 0; i < sent.Count; i++)
        {
            var (at, one) = ($"migrations[{i}]", sent[i]);
            if (one.Tag is not { Length: > 0 and <= LongestTag }) errors.Add(new($"{at}.tag", "It is missing, or longer than 100 characters.", "Give each migration a tag of its own, such as v1."));
            else if (sent.Take(i).Any(m => m.Tag == one.Tag)) errors.Add(new($"{at}.tag", $"'{one.Tag}' is there twice.", "Give each migration a tag of its own."));
            Check(one.NewSqliteClasses, "newSqliteClasses");
            Check(one.NewClasses, "newClasses");
            Check(one.DeletedClasses, "deletedClasses");
            Check([.. (one.RenamedClasses ?? []).SelectMany(r => (string[])[r.From ?? "", r.To ?? ""])], "renamedClasses");
            gone.ExceptWith([.. one.NewSqliteClasses ?? [], .. one.NewClasses ?? [], .. (one.RenamedClasses ?? []).Select(r => r.To ?? "")]);
            gone.UnionWith([.. one.DeletedClasses ?? [], .. (one.RenamedClasses ?? []).Select(r => r.From ?? "")]);

            void Check(IReadOnlyList<string>? names, string field)
            {
                foreach (var name in names ?? [])
                    if (!ClassName().IsMatch(name ?? "")) errors.Add(new($"{at}.{field}", $"'{name}' is no name of a class.", "Name the class as the worker exports it."));
            }
        }
        foreach (var bound in bindings.Where(ObjectClass.IsOwn).Where(b => gone.Contains(ObjectClass.NameOf(b))))
            errors.Add(new($"bindings.{bound.Name}.class", $"The migrations delete or rename the class '{ObjectClass.NameOf(bound)}'.", "Bind the class by its new name, or leave it."));
        return sent;
    }
}
