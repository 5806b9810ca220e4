using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Passwords;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Tests.Passwords;

/// <summary>What is kept of passwords that were right.</summary>
public sealed class RememberedPasswordsTests
{
    [Fact]
    public void Fifty_thousand_are_remembered_and_the_next_when_their_time_is_over()
    {
        FakeTimeProvider time = new();
        RememberedPasswords remembered = new(time);
        var password = Password.TryParse("a quiet place 42")!;
        var first = Somebody(0);
        remembered.Add(first, first.Credential!, password);
        for (var i = 1; i < 50_000; i++)
        {
            var account = Somebody(i);
            remembered.Add(account, account.Credential!, password);
        }

        var next = Somebody(50_000);
        remembered.Add(next, next.Credential!, password);
        Assert.NotNull(remembered.Find(first, password));
        Assert.Null(remembered.Find(next, password));

        time.Advance(TimeSpan.FromMinutes(10));
        remembered.Add(next, next.Credential!, password);
        Assert.NotNull(remembered.Find(next, password));
    }

    private static Account Somebody(int number) =>
        new($"{number}", AccountKind.Person, default, new Profile($"ana-{number}", "Ana", null, false)) { Credential = Hash() };

    private static PasswordHash Hash() => new(PasswordCost.Current, new byte[PasswordHash.SaltBytes], new byte[PasswordHash.HashBytes]);
}
