using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Quarterdeck.Workers.Runtime;

/// <summary>Hands files to another user; only root can.</summary>
internal static partial class Owner
{
    /// <summary>Makes a user, and the group of the same number, the owner of a folder and of the files in it.</summary>
    public static void Give(string folder, int user)
    {
        foreach (var path in (IEnumerable<string>)[folder, .. Directory.EnumerateFiles(folder)])
            if (ChangeOwner(path, user, user) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), $"'{path}' cannot be given to the user {user}.");
    }

    /// <summary>The same for a folder with everything below, once: a note in it says whose it is.</summary>
    public static void GiveAll(string folder, int user)
    {
        var note = Path.Combine(folder, "user");
        var said = user.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (File.Exists(note) && File.ReadAllText(note) == said) return;
        foreach (var below in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories)) Give(below, user);
        Give(folder, user);
        File.WriteAllText(note, said);
    }

    [LibraryImport("libc", EntryPoint = "lchown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int ChangeOwner(string path, int user, int group);
}
