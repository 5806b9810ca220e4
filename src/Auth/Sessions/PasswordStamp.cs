using System.Security.Cryptography;
using WebMessenger.Auth.Accounts;

namespace WebMessenger.Auth.Sessions;

/// <summary>Tells whether an account has the password still that a login session began with.</summary>
internal static class PasswordStamp
{
    /// <summary>Tells whether the account's password is still the same one, and no ban came between; of a guest empty.</summary>
    public static string Of(Account account)
    {
        if (account.Credential is not { } credential)
        {
            return "";
        }

        var bans = account.Standing.TimesBanned;
        return Convert.ToHexStringLower(SHA256.HashData((/* guard: no durable client by password of before a ban */ bans == 0) ? credential.Hash : [.. credential.Hash, .. BitConverter.GetBytes(bans)]).AsSpan(0, 8));
    }
}
