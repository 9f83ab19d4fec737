using Quarterdeck.Access;

namespace Quarterdeck.Operations;

/// <summary>What callers may do with operations. Starting, cancelling and retrying take the permission of the operation's kind.</summary>
public static class OperationPermissions
{
    /// <summary>See operations and their logs.</summary>
    public static readonly Permission Read = new("operations.read", Role.Viewer, "See operations and their logs");
}
