namespace Quarterdeck.Tests.Support;

/// <summary>Folders of processes that were killed: what is left of them holds files for a moment.</summary>
public static class LateFolder
{
    /// <summary>Deletes it, as soon as it can be.</summary>
    public static async Task DeleteAsync(string folder)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
                return;
            }
            catch (IOException) when (tries < 50) { await Task.Delay(100); }
        }
    }
}
