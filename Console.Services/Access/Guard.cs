using Microsoft.Extensions.Logging;
using Quarterdeck.Platform;

namespace Quarterdeck.Access;

/// <summary>The one gate: every public method of a room asks it before it reads or changes anything.</summary>
public sealed partial class Guard(AuditLog audit, ILogger<Guard> logger)
{
    /// <summary>Null when allowed, else a refusal (403) that is already in the audit log.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="permission">What for.</param>
    /// <param name="target">The object it is about, <c>kind:id</c>, or the kind alone.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async ValueTask<Problem?> CheckAsync(Caller caller, Permission permission, string target, CancellationToken cancellation)
    {
        if (caller.May(permission)) return null;
        var why = caller.Role < permission.Minimum
            ? $"'{permission.Key}' ({permission.Description}) needs the role {permission.Minimum.ToString().ToLowerInvariant()}; {caller.Name} is {caller.Role.ToString().ToLowerInvariant()}. Ask an administrator."
            : caller.Kind is CallerKind.Plugin ? $"The plug-in '{caller.Name}' was not approved to do this: '{permission.Key}' ({permission.Description})."
            : $"The token '{caller.Name}' is narrowed to other scopes. Create a token with the scope '{permission.Key}'.";
        return await RefuseAsync(caller, permission.Key, target, why, cancellation);
    }

    /// <summary>Records a refusal that a room decided on its own (such as lending a role one does not have) and returns it.</summary>
    public async ValueTask<Problem> RefuseAsync(Caller caller, string action, string target, string why, CancellationToken cancellation)
    {
        Log.Refused(logger, caller.Kind, caller.Name, action, target);
        await audit.RefusedAsync(caller, action, target, why, cancellation);
        return Problem.Forbidden(why);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Refused: {Kind} {Name} may not {Action} on {Target}")]
        public static partial void Refused(ILogger logger, CallerKind kind, string name, string action, string target);
    }
}
