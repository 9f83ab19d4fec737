using System.Text.Json;
using Quarterdeck.Access;
using Quarterdeck.Secrets;

namespace Quarterdeck.Web.Plugins;

/// <summary>Answers on their way, kept by the browser's tab so that a page that is loaded anew finds them again.</summary>
/// <remarks>Passwords are among them, so the browser gets them encrypted, for this person alone; they are gone with the tab. <c>Package</c> says which package they are for.</remarks>
internal sealed record InstallDraft(
    string Package, string? Name, string? HostId, string? Option, bool AcceptEula, bool AllowUnsigned, bool Plugin, bool Start, Dictionary<string, string?> Networks, Dictionary<string, string?> Properties, string[] Approved)
{
    private static string Purpose(Caller caller) => $"plugins.install.{caller.Kind}.{caller.Id}";

    public string Seal(Caller caller, SecretBox box) => box.Protect(Purpose(caller), JsonSerializer.Serialize(this));

    /// <summary>Null for what is no draft of this person's.</summary>
    public static InstallDraft? Open(string? text, Caller caller, SecretBox box)
    {
        if (string.IsNullOrEmpty(text)) return null;
        try { return JsonSerializer.Deserialize<InstallDraft>(box.Unprotect(Purpose(caller), text)); }
        catch (Exception e) when (e is SecretUnreadableException or JsonException) { return null; }
    }
}
