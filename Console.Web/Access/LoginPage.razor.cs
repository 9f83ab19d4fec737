using Microsoft.AspNetCore.Components;
using Quarterdeck.Access;

namespace Quarterdeck.Web.Access;

/// <summary>The sign-in form; rendered on the server without a circuit, because only an HTTP answer can set the cookie.</summary>
public sealed partial class LoginPage
{
    private string? _message;

    [Inject] private SignIn SignIn { get; set; } = default!;

    [Inject] private NavigationManager Navigation { get; set; } = default!;

    [CascadingParameter] private HttpContext Http { get; set; } = default!;

    [SupplyParameterFromForm(FormName = "login")] private string? Name { get; set; }

    [SupplyParameterFromForm(FormName = "login")] private string? Password { get; set; }

    [SupplyParameterFromQuery(Name = "returnUrl")] private string? ReturnUrl { get; set; }

    protected override void OnInitialized()
    {
        if (HttpMethods.IsGet(Http.Request.Method) && CallerIdentity.Of(Http.User) is not null) Navigation.NavigateTo(LocalPath(ReturnUrl));
    }

    private async Task SignInAsync()
    {
        var outcome = await SignIn.WithPasswordAsync(Name?.Trim() ?? "", Password ?? "", Http.Connection.RemoteIpAddress, Http.TraceIdentifier, Http.RequestAborted);
        if (outcome is SignInOutcome.SignedIn)
        {
            Navigation.NavigateTo(LocalPath(ReturnUrl));
            return;
        }
        Http.Response.StatusCode = outcome is SignInOutcome.Wrong ? StatusCodes.Status401Unauthorized : StatusCodes.Status429TooManyRequests;
        var minutes = Math.Max(1, (int)Math.Ceiling(SignIn.LockoutTime.TotalMinutes));
        _message = outcome switch
        {
            SignInOutcome.Locked => $"Too many wrong passwords for this name: it is locked for up to {minutes} {(minutes == 1 ? "minute" : "minutes")}. Wait, then try again.",
            SignInOutcome.TooMany => "Too many attempts in a short time. Wait a minute, then try again.",
            _ => "User name or password is wrong.",
        };
        if (outcome is not SignInOutcome.Wrong) Http.Response.Headers.RetryAfter = outcome is SignInOutcome.Locked ? $"{(int)SignIn.LockoutTime.TotalSeconds}" : "60";
    }

    /// <summary>Only a path of this console: a link must not send one who signs in to another site.</summary>
    internal static string LocalPath(string? url) =>
        url is ['/', ..] and not ['/', '/' or '\\', ..] && !url.Any(char.IsControl) && !url.StartsWith("/login", StringComparison.OrdinalIgnoreCase) ? url : "/";
}
