namespace Quarterdeck.Workers;

/// <summary>A change of a worker's classes of durable objects, applied once, with the upload that first brings it.</summary>
/// <param name="Tag">Its name; what was applied under it is never applied again.</param>
/// <param name="NewSqliteClasses">Classes that begin. A binding to a class of the worker's own makes it, too.</param>
/// <param name="NewClasses">The same: all objects store in SQLite here.</param>
/// <param name="RenamedClasses">Classes whose objects another class runs from now on.</param>
/// <param name="DeletedClasses">Classes that end, with all that their objects stored.</param>
public sealed record ObjectMigration(
    string? Tag, IReadOnlyList<string>? NewSqliteClasses = null, IReadOnlyList<string>? NewClasses = null, IReadOnlyList<ClassRename>? RenamedClasses = null, IReadOnlyList<string>? DeletedClasses = null);

/// <summary>A class that gets another name.</summary>
/// <param name="From">Its name until now.</param>
/// <param name="To">Its name from now on.</param>
public sealed record ClassRename(string? From, string? To);
