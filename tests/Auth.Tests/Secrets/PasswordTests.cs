using WebMessenger.Auth.Names;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Secrets;

namespace WebMessenger.Auth.Tests.Secrets;

public sealed class PasswordTests
{
    [Theory]
    [InlineData("a quiet place 42")]
    [InlineData("  two  spaces  everywhere  ")]
    [InlineData("🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵")]
    [InlineData("пароль с пробелами")]
    [InlineData("this one has more than sixty-four characters, which some systems would cut off or refuse outright")]
    [InlineData("marina walks by the sea at dusk")]
    public void Attack_33_Long_ones_emoji_and_spaces_are_taken_as_they_are(string password) => Assert.Null(Check(password));

    [Theory]
    [InlineData("", "required")]
    [InlineData("short", "too_short")]
    [InlineData("🦊🐻🐼🐨🐯🦁🐮🐷🐸", "too_short")]
    [InlineData("password123", "too_common")]
    [InlineData("PASSWORD123", "too_common")]
    [InlineData("P@$$w0rd123", "too_common")]
    [InlineData("password12345!!!", "too_common")]
    [InlineData("qwertyuiop", "too_common")]
    [InlineData("1234567890", "too_common")]
    [InlineData("0987654321", "too_common")]
    [InlineData("iloveyou123", "too_common")]
    [InlineData("minhasenha123", "too_common")]
    [InlineData("flamengo2019", "too_common")]
    [InlineData("aaaaaaaaaaaaaaaa", "too_common")]
    [InlineData("abababababab", "too_common")]
    [InlineData("qwertyasdfgh", "too_common")]
    [InlineData("abcdefghijkl", "too_common")]
    [InlineData("1qaz2wsx3edc", "too_common")]
    [InlineData("marina-marina", "contains_name")]
    [InlineData("marina@example.org", "contains_name")]
    [InlineData("wm_AAAAAAAAAAAAAAAAAAAAAbbbbbbbbbbbbbbbbcccccc", "too_common")]
    public void Attack_33_What_is_guessed_first_is_refused(string password, string code) => Assert.Equal(code, Check(password)?.Code);

    [Fact]
    public void A_lone_surrogate_is_no_text() => Assert.Equal("invalid", Check("a\uD800bcdefghijk")?.Code);

    [Fact]
    public void A_password_has_1024_bytes_at_most()
    {
        var thousand = string.Concat(Enumerable.Range(0, 256).Select(i => i.ToString("x2", System.Globalization.CultureInfo.InvariantCulture) + "-z"));
        Assert.Null(Check(thousand));
        Assert.Equal("too_long", Check(thousand + "x")?.Code);
        Assert.Equal("too_long", Check(new string('x', 2_000_000))?.Code);
    }

    [Theory]
    [InlineData("1234567890a")]
    [InlineData("Qwertyuiop123")]
    [InlineData(",ki8.lo9/;p0")]
    [InlineData("contraseña")]
    [InlineData("CONTRASEÑA1")]
    [InlineData("server2019")]
    [InlineData("  server2019  ")]
    [InlineData("$erver2019?!#")]
    [InlineData("s3rver2019")]
    [InlineData("SERVER@123...")]
    [InlineData("rootbeer123", false)]
    [InlineData("server2019 lamp", false)]
    [InlineData("xserver2019", false)]
    [InlineData("a red kite over the harbour", false)]
    public void A_listed_password_is_found_whatever_its_case_swaps_and_ending(string password, bool isListed = true) =>
        Assert.Equal(isListed, CommonPasswords.Contains(password));

    [Fact]
    public void What_ships_of_the_list_is_hashes_in_order()
    {
        using var stream = typeof(CommonPasswords).Assembly.GetManifestResourceStream("common-passwords.bin")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var hashes = bytes.Chunk(8).Select(Convert.ToHexString).ToList();

        Assert.Equal(0, bytes.Length % 8);
        Assert.Equal(hashes.Distinct().Order(StringComparer.Ordinal), hashes);
    }

    [Fact]
    public void The_list_that_ships_has_thousands_of_entries() => Assert.InRange(CommonPasswords.Count, 10_000, 1_000_000);

    [Fact]
    public void One_accent_typed_on_two_systems_is_one_password() =>
        Assert.Equal(Password.TryParse("caf\u00E9 no quintal")!.Bytes, Password.TryParse("cafe\u0301\u00A0no quintal")!.Bytes);

    [Fact]
    public async Task A_hash_carries_its_parameters_and_matches_its_password_only()
    {
        using PasswordHasher hasher = new(PasswordCost.Current);
        var password = Password.TryParse("a quiet place 42")!;
        var hash = (await hasher.HashAsync(password))!;

        Assert.StartsWith("$argon2id$v=19$m=19456,t=2,p=1$", hash.Encoded, StringComparison.Ordinal);
        var stored = PasswordHash.Parse(hash.Encoded);
        Assert.Equal(Verification.Match, await hasher.VerifyAsync(stored, password));
        Assert.Equal(Verification.NoMatch, await hasher.VerifyAsync(stored, Password.TryParse("a quiet place 43")!));
        Assert.Equal(Verification.NoMatch, await hasher.VerifyAsync(null, password));
        Assert.NotEqual(hash.Encoded, (await hasher.HashAsync(password))!.Encoded);
    }

    [Theory]
    [InlineData("")]
    [InlineData("plain text")]
    [InlineData("$argon2id$v=19$m=8,t=1,p=1$AAAA$BBBB")]
    [InlineData("$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAA A$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void A_damaged_hash_is_an_error_and_never_a_match(string encoded) => Assert.Throws<FormatException>(() => PasswordHash.Parse(encoded));

    [Fact]
    public async Task Attack_66_A_flood_is_told_that_the_server_is_busy()
    {
        using PasswordHasher hasher = new(PasswordCost.Current);
        var password = Password.TryParse("a quiet place 42")!;
        var hash = (await hasher.HashAsync(password))!;

        var results = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => hasher.VerifyAsync(hash, password)));

        Assert.InRange(results.Count(result => result == Verification.Match), 66, 199);
        Assert.InRange(results.Count(result => result == Verification.Busy), 1, 134);
        Assert.Equal(Verification.Match, await hasher.VerifyAsync(hash, password));
    }

    private static FieldError? Check(string password)
    {
        Assert.True(UserName.TryParse("marina", out var userName));
        Assert.True(EmailAddress.TryParse("marina@example.org", out var email));
        return PasswordPolicy.Check("password", password, userName, email, out _);
    }
}
