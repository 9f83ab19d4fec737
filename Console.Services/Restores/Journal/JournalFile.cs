using System.Text.Json;
using System.Text.Json.Serialization;
using Quarterdeck.Platform;
using Quarterdeck.Restores.Disks;

namespace Quarterdeck.Restores.Journal;

/// <summary>Keeps the journal of a VM beside its first disk: it shares that disk's fate, and any console that reaches the disk finds it.</summary>
internal static class JournalFile
{
    private const string Ending = JournalDisk.Suffix + ".json";

    private static readonly JsonSerializerOptions Form = new(JsonSerializerDefaults.Web) { WriteIndented = true, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    /// <summary>Where the journal of a VM with these disks is.</summary>
    public static string PathOf(RestoreJournal journal) => journal.Disks[0].Path + Ending;

    /// <summary>Writes it; durable when this returns.</summary>
    public static void Save(RestoreJournal journal) => Durable.Write(PathOf(journal), JsonSerializer.SerializeToUtf8Bytes(journal, Form));

    /// <summary>Removes it: the restore is over.</summary>
    public static void Remove(RestoreJournal journal) => Durable.Delete(PathOf(journal));

    /// <summary>The journal beside one of the disks; null when no restore of them is unfinished.</summary>
    /// <exception cref="ProblemException">It cannot be read.</exception>
    public static RestoreJournal? Find(IEnumerable<string> diskPaths) =>
        diskPaths.Select(path => path + Ending).FirstOrDefault(File.Exists) is { } found ? Read(found) : null;

    /// <summary>Reads one; null when there is none.</summary>
    /// <exception cref="ProblemException">It cannot be read.</exception>
    public static RestoreJournal? Read(string path)
    {
        try
        {
            var journal = JsonSerializer.Deserialize<RestoreJournal>(File.ReadAllBytes(path), Form);
            return journal is { Version: 1, Disks.Count: > 0 } ? journal : throw new JsonException("it is of another version");
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new ProblemException(Problem.Conflict("The restore's journal cannot be read", $"'{path}': {e.Message}. Use the version of the console that wrote it, or make a full restore."), e);
        }
    }
}
