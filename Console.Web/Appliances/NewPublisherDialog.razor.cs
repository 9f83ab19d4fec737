using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Forms;
using Microsoft.JSInterop;
using Quarterdeck.Appliances;
using Quarterdeck.Platform;
using Quarterdeck.Web.Access;

namespace Quarterdeck.Web.Appliances;

/// <summary>Asks for a publisher's certificate, and shows what is in it before it is trusted.</summary>
public sealed partial class NewPublisherDialog
{
    private const int MaxFile = 64 << 10;
    private ElementReference _dialog;
    private bool _open, _busy;
    private string? _name, _pem;
    private Facts? _facts;
    private Problem? _problem;

    private sealed record Facts(string Subject, string Fingerprint, string Until, bool Authority);

    [Inject] private Publishers Publishers { get; set; } = default!;
    [Inject] private CallerAccessor Callers { get; set; } = default!;
    [Inject] private IJSRuntime Script { get; set; } = default!;

    /// <summary>Called after a publisher was added.</summary>
    [Parameter] public EventCallback Created { get; set; }

    /// <summary>Opens it empty.</summary>
    public async Task OpenAsync()
    {
        (_open, _name, _pem, _facts, _problem) = (true, null, null, null, null);
        StateHasChanged();
        await Task.Yield(); // let the content render before the dialog takes the focus
        await Script.InvokeVoidAsync("quarterdeck.openDialog", _dialog);
    }

    private void Show(string? pem)
    {
        (_pem, _facts) = (pem, null);
        if (pem is null || pem.Length > MaxFile) return;
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(pem);
            var fingerprint = Convert.ToHexStringLower(certificate.GetCertHash(HashAlgorithmName.SHA256));
            _facts = new Facts(certificate.Subject, string.Join(' ', fingerprint.Chunk(8).Select(c => new string(c))), certificate.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
                certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e.CertificateAuthority));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // Not yet a certificate: nothing to show.
        }
    }

    private async Task LoadAsync(InputFileChangeEventArgs chosen)
    {
        try
        {
            using var reader = new StreamReader(chosen.File.OpenReadStream(MaxFile));
            Show(await reader.ReadToEndAsync());
            _problem = null;
        }
        catch (IOException)
        {
            _problem = Problem.Invalid("certificate", $"The file has more than {MaxFile >> 10} KiB.", "Choose the certificate alone.");
        }
    }

    private async Task SaveAsync()
    {
        if (_busy) return;
        _busy = true;
        try
        {
            var result = await Publishers.AddAsync(await Callers.GetAsync(), new NewPublisher(string.IsNullOrWhiteSpace(_name) ? null : _name, _pem), CancellationToken.None);
            if (!result.TryGet(out _, out _problem)) return;
            await CloseAsync();
            await Created.InvokeAsync();
        }
        finally { _busy = false; }
    }

    private async Task CloseAsync() => await Script.InvokeVoidAsync("quarterdeck.closeDialog", _dialog);
}
