using System.Text;
using System.Text.Json.Nodes;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Storage.Documents;

namespace WebMessenger.Auth.Tests.Accounts;

/// <summary>Nobody wears another's name: guests, who registers, and who is renamed are held to the same rules.</summary>
public sealed class LookAlikeTests
{
    private static readonly string[] _taken =
        ["Maria Souza", "José Antônio", "Paul", "Bob", "Иван", "Νίκος", "ガイ", "राजू", "Ana 2", "scope", "HOBEP", "Leilaʻi",
        "Çağlar Işık", "R2D2", "🦊🦊", "Maria", "Bea", "Robert"];

    private static readonly string[] _alike =
    [
        // Case, accents, spaces, punctuation.
        "maria souza", "MARIA SOUZA", "Mária Soúza", "María-Souza", "MariaSouza", "M.a.r.i.a Souza", "Jose Antonio",
        "JOSÉ ANTÔNIO", "José António", "@Paul", "Leila'i", "Leilai", "Caglar Isik",
        // Ornaments.
        "Maria Souza ✔", "✔ Maria Souza", "Maria Souza ✅", "★ Maria ★ Souza ★", "Maria Souza 🦊", "👩‍🔬 Maria Souza", "Maria Souza ❤️",
        "Maria Souza 🇧🇷", "Maria Souza™", "Maria Souza®", "~Maria Souza~", "[Maria Souza]", "Maria Souza |", "Maria Souza $",
        "«Maria Souza»",
        "Maria Souza ･ﾟ", "Maria Souza + ",
        // What is drawn the same in Latin.
        "PauI", "Pau1", "Pau|", "B0b", "Rnaria Souza", "Mar1a Souza", "Maria $ouza", "Marıa Souza", "R2D2",
        // Small capitals and phonetic letters.
        "ᴍᴀʀɪᴀ ꜱᴏᴜᴢᴀ", "Mᴀʀɪᴀ Sᴏᴜᴢᴀ", "ʙᴏʙ", "ᴘᴀᴜʟ", "Mɑriɑ Souzɑ", "Ɱaria Souza",
        // Strokes and hooks.
        "Mariⱥ Souza", "Maria Søuza", "Maria Souƶa", "Ƥaul", "Pauł", "Ɓoƀ",
        // Cyrillic, Greek, Armenian, Coptic.
        "Мaria Souza", "Mаrіа Ѕоuzа", "Маrіа Ѕоuza", "Μαria Souza", "Раul", "Ρaul", "ВоЬ", "Βοb", "Bօb",
        "ѕсоре", "НОВЕР", "Pauⲓ", "Ⲃⲟb", "ΜАRIΛ Souza", "MARIA SΘUZA", "MAЯIA SOUZA",
        // Cherokee, Lisu, Deseret, Canadian syllables, Osage, Old Italic, Lycian, Carian, Warang Citi.
        "ᎷᎪᎡᎥᎪ Souza", "ꮇꭺꭱꭵꭺ Souza", "Ᏼob", "ꓟꓮꓣꓲꓮ ꓢꓳꓴꓜꓮ", "ꓐꓳꓐ", "ꓑꓮꓴꓡ", "B𐐄b", "B𐐬b",
        "ᗰᗅᖇIᗅ Souza", "ᗷOᗷ", "Pa𐓶l", "𐌁ob", "𐊂ob", "P𐊠ul",
        // Letters in squares, circles and boxes; other forms.
        "🄼🄰🅁🄸🄰 🅂🄾🅄🅉🄰", "🅼🅰🆁🅸🅰 🆂🅾🆄🆉🅰", "🅜🅐🅡🅘🅐 🅢🅞🅤🅩🅐", "Ⓜⓐⓡⓘⓐ Ⓢⓞⓤⓩⓐ", "🇲🇦🇷🇮🇦 Souza", "🇵🇦🇺🇱", "🅿aul",
        "Ｍａｒｉａ　Ｓｏｕｚａ", "𝐌𝐚𝐫𝐢𝐚 𝐒𝐨𝐮𝐳𝐚", "𝓜𝓪𝓻𝓲𝓪 𝓢𝓸𝓾𝔃𝓪", "𝕄𝕒𝕣𝕚𝕒 𝕊𝕠𝕦𝕫𝕒", "𝙼𝚊𝚛𝚒𝚊 𝚂𝚘𝚞𝚣𝚊", "ᴹᵃʳⁱᵃ ˢᵒᵘᶻᵃ", "Ana ②", "Ana ❷", "Ana ２",
        // Signs within a word, letters of other scripts, letters put together of signs, flags that are none.
        "ᗰᗩᖇIᗩ", "ᗷᗴᗩ", "Beᗩ", "Bᗴa", "Robᗴrt", "Mar¡a", "Mar!a", "M@ria", "Mari@", "Mar丨a", "爪卂尺丨卂", "乃乇卂", "Mari⍺",
        "Mɐria", "R○bert", "Rㅇbert", "Robe®t", "Rober⊤", "B∈a", "Be∀", "Be∂", "ẞea", "Nlaria", "NIaria", "/\\/\\aria", "Mari∆",
        "R⭕bert", "R☺bert", "R๏bert", "R♥bert", "Rober†", "®obert", "Rober┬", "R●bert", "R°bert", "Be௧", "M🇦🇷🇮a", "Mar│a",
        "Maria$", "R👩‍🔬bert", "B 🇪 🇦", "M 🇦 🇷 🇮 🇦", "B·🇪·🇦", "M 🇦🇷 🇮🇦", "B🇪🇦", "ᗰᗩᖇIᗩ ᔕOᑌᘔᗩ",
        // More of each kind: Roman numerals, script and black letters, lines through and below,
        // small Cherokee, circled and squared capitals.
        "ℳaria Souza", "Ⅿaria Souza", "Pauⅼ", "𝔓aul", "𝖯aul", "ꮲaul", "ᏼob", "🄿aul", "🅟aul", "ⓟⓐⓤⓛ", "P̶a̶u̶l̶", "P̲a̲u̲l̲", "Pɑul", "ᑭᗩᑌᒪ", "ᏢᎪul",
        "Ｐaul", "Paul ✔️", "Paul・", "ꓟaria Souza", "Maria ᏚouᏃa", "ᴍaria ꜱouza", "Maria Souza✓", "Maria Souza ☑",
        "ＭａｒｉａＳｏｕｚａ", "Maria\u00A0Souza", "Maria\u2003Souza", "Maria_Souza", "Maria•Souza", "Maria Souza ⚡", "Maria Souza 👑",

        // The same in other scripts.
        "ИВАН", "Ивaн", "ΝΙΚΟΣ", "ΝΊΚΟΣ", "ｶﾞｲ", "राजू.", "🦊🦊.",
    ];

    // No name at all: what is blank, or hides in a name.
    private static readonly string[] _invisible =
    [
        "Maria Souza\U0001D159", "\U0001D159", "Maria\u200BSouza", "Maria\u115FSouza", "Maria\u3164Souza", "Maria\uFFA0Souza",
        "Maria\u2800Souza", "Maria\u034FSouza", "Maria\u180ESouza",
        "Maria\uFE0FSouza", "Maria\U000E0041Souza", "Maria\uFFFCSouza", "Maria\u200DSouza", "Maria\U00016FE4Souza", "Maria\u2066Souza",
    ];

    private static readonly string[] _reserved =
    [
        "Admin", "ＡＤＭＩＮ", "Аdmіn", "ᴀᴅᴍɪɴ", "🅰🅳🅼🅸🅽", "ꓮꓓꓟꓲꓠ", "S y s t e m", "★ Moderator ★", "Sistema", "Web Messenger", "Suporte!",
        "Maria Souza (admin)", "[mod] Maria Souza",
        "Maria Souza | Mod", "Bia – Administradora", "Bia ✔ verified", "Bia (oficial)", "Bia (ᴍᴏᴅ)", "(Аdmin) Zoe",
        "ᗩᗪᗰIᑎ", "ᗩdmin", "@dmin", "Adm¡n", "Adm!n", "Admi∩", "Supp○rt", "Syst∈m", "Moderat○r", "Admins", "Admin 1", "Admin2", "Ana admin",
        "admin Ana", "Ana ᐸadmin>", "Ana【adm¡n】", "The server", "O servidor", "Ana the admin", "Web Messenger Team", "R♥♥t", "S¥stem", "Adm│n",
    ];

    private static readonly (string One, string Other)[] _honest =
    [
        ("Ana", "Ana B."), ("Bob", "Rob"), ("Ana 1", "Ana 2"), ("Ana", "Anna"), ("Ana", "Ana2"), ("Ana", "Ana Maria"),
        ("Maria Souza", "Maria Sousa"), ("Maria Souza", "Mario Souza"),
        ("Clara", "Dara"), ("Rui", "Ruy"), ("João", "Joana"), ("José Silva", "José Santos"),
        ("José Silva (Recife)", "José Silva (Natal)"), ("Luís", "Luísa"), ("Zé", "Zeca"),
        ("Bia do 5", "Bia do 6"), ("Ana S", "Ana 5"), ("Team A", "Team 4"), ("Bot 3", "Bot E"), ("Kiko", "Kika"), ("Nino", "Mino"),
        ("Vera", "Wera"), ("Tom", "Tim"),
        ("李雷", "李磊"), ("山田 太郎", "山田 花子"), ("カイ", "ガイ"), ("はな", "ばな"), ("김민수", "김민서"), ("Иван", "Олег"), ("Саша", "Паша"),
        ("Иван", "Ivan"), ("Нина", "Дина"), ("Лиза", "Луиза"),
        ("Γιάννης", "Γιώργος"), ("Λήμος", "Δήμος"), ("محمد", "محمود"), ("علي", "عمر"), ("דוד", "דנה"), ("राज", "राजू"),
        ("अनु", "अनि"), ("นิด", "นัด"), ("ณัฐ", "นัท"),
        ("Արմեն", "Արմինե"), ("გიორგი", "გიგა"), ("🦊", "🐻"), ("🦊", "🦊🐻"), ("Ana 🦊", "Bia 🦊"), ("🇧🇷", "🇵🇹"), ("...", "!!!"),
        ("^_^", "o_o"), ("R2D2", "C3PO"), ("Ƒred", "Greta"),
        ("C++", "Cia"), ("C", "Cia"), ("Ana♥Bia", "Ana Lia"), ("Ana 🇧🇷", "Ana Br."), ("Ana ♥", "Anna"), ("Ana+Tom", "Anatol"), ("김철수", "김철호"),
        ("山口", "川口"), ("丁力", "下力"), ("田中 一", "田中 二"), ("Sistema Solar", "Servidora Ana"), ("Modesto", "Mod3lo"), ("A. Costa", "O. Costa"),
        ("João & Maria Clara", "João & Marina"), ("D'Ávila", "Davi"), ("Equipe Azul", "Equipe Verde"), ("Nico", "Mico"), ("Tom", "TONI"), ("Maya", "NIAYA"), ("DJ 花", "DJ 山"),
        ("Ana ✨", "Ana B ✨"), ("100%", "50%"), ("Zoë ☕", "Zoey"), ("李小龍", "李小虎"), ("さくら", "さくや"), ("王力", "王丹"),
    ];

    [Fact]
    public async Task Fault_S26_No_guest_gets_in_with_a_name_that_looks_like_somebodys()
    {
        await using var fixture = await CrowdAsync();

        await AssertRefusedAsync("nickname", name => fixture.Auth.Registration.EnterAsGuestAsync(name, AuthFixture.Home));
    }

    [Fact]
    public async Task Fault_P4_Nobody_registers_with_a_display_name_that_looks_like_somebodys()
    {
        await using var fixture = await CrowdAsync();

        await AssertRefusedAsync(
            "displayName",
            name => fixture.Auth.Registration.RegisterAsync(
                "new@example.org", "somebody-new", name, AuthFixture.Password, AuthFixture.Home, isLocal: true));
    }

    [Fact]
    public async Task Fault_P4_Nobody_takes_a_display_name_that_looks_like_somebodys_later()
    {
        await using var fixture = await CrowdAsync();
        await fixture.RegisterAsync("zoe", "Zoe");
        var session = (await fixture.SignInAsync("zoe")).Session;

        await AssertRefusedAsync("displayName", name => ChangeAsync(fixture, session, new AccountChange(DisplayName: name)));
    }

    [Fact]
    public async Task Fault_S26_Honest_names_stand_beside_each_other()
    {
        Assert.True(_honest.Length >= 40);
        await using var fixture = await AuthFixture.OpenAsync();
        var number = 0;
        List<string> refused = [];
        foreach (var (one, other) in _honest)
        {
            var first = await fixture.RegisterAsync($"one-{++number}", one);
            var outcome = await fixture.Auth.Registration.RegisterAsync(
                $"{number}@example.net", $"other-{number}", other, AuthFixture.Password, AuthFixture.Home);
            if (AuthFixture.Code(outcome) is not "ok" and var code)
            {
                refused.Add($"{one} / {other}: {code}");
            }

            foreach (var account in new[] { first, outcome.Value }.OfType<Account>())
            {
                await fixture.Auth.Changes.EraseAsync(account, AuthFixture.Password, AuthFixture.Home);
            }
        }

        Assert.Empty(refused);
    }

    [Fact]
    public async Task Fault_P4_A_user_name_is_not_somebodys_display_name_and_the_other_way_round()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("bob-smith", "Robert");

        Assert.Equal("userName:looks_taken", await RegisterAsync(fixture, "r0bert", "Zoe"));
        Assert.Equal("displayName:looks_taken", await RegisterAsync(fixture, "zoe", "Bob Smith ✔"));
        Assert.Equal(
            "userName:taken email:taken displayName:looks_taken",
            await RegisterAsync(fixture, "bob-smith", "Robert", "bob-smith@example.org"));
        Assert.Equal("ok", await RegisterAsync(fixture, "zoe", "Zoe"));
        var zoe = (await fixture.SignInAsync("zoe")).Session;
        Assert.Equal("userName:looks_taken", AuthFixture.Code(await ChangeAsync(fixture, zoe, new AccountChange(UserName: "robert"))));
        Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, zoe, new AccountChange(UserName: "zoe-2"))));
    }

    [Fact]
    public async Task Fault_P4_One_keeps_ones_own_name_and_may_write_it_in_another_way()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("jose", "Jose Silva");
        var jose = (await fixture.SignInAsync("jose")).Session;

        foreach (var name in new[] { "Jose Silva", "José Silva", "JOSÉ SILVA", "José Silva 🦊", "Jose" })
        {
            Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, jose, new AccountChange(DisplayName: name))));
            Assert.Equal(name, jose.Account.DisplayName);
        }

        // What he has left is free, and what he has now is not.
        Assert.Equal("displayName:looks_taken", await RegisterAsync(fixture, "zoe", "José"));
        Assert.Equal("ok", await RegisterAsync(fixture, "zoe", "Jose Silva"));
    }

    [Fact]
    public async Task Fault_P4_A_guest_who_registers_keeps_the_nickname_and_nobody_else_gets_it()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var guest = await fixture.EnterAsync("Maria Souza");

        Assert.Equal("displayName:looks_taken", await RegisterAsync(fixture, "zoe", "Maria Souza"));

        AuthFixture.Must(await fixture.Auth.Registration.RegisterAsync(
            "m@example.org", "maria", "Maria Souza", AuthFixture.Password, AuthFixture.Home, guest, isLocal: true));
        // Who is signed in with a password is no guest: a second account of the same name is one more person.
        var maria = (await fixture.SignInAsync("maria")).Session.Account;
        Assert.Equal(
            "displayName:looks_taken",
            AuthFixture.Code(await fixture.Auth.Registration.RegisterAsync(
                "n@example.org", "other", "Maria Souza", AuthFixture.Password, AuthFixture.Home, maria)));
    }

    [Fact]
    public async Task Fault_P4_Of_many_who_want_one_name_at_the_same_time_one_gets_it()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        var shapes = new[] { "Maria Souza", "maria souza", "Маria Souza", "Maria Souza ✔" };

        var codes = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => i % 5 == 4
            ? GuestAsync(fixture, shapes[i % 4])
            : RegisterAsync(fixture, $"somebody-{(char)('a' + i)}", shapes[i % 4])));

        Assert.Single(codes, "ok");
        Assert.Equal(19, codes.Count(code => code.EndsWith("looks_taken", StringComparison.Ordinal)));
        Assert.Single(fixture.Auth.Accounts.All);
    }

    [Fact]
    public async Task Fault_P4_People_who_share_a_name_since_before_this_rule_go_on()
    {
        await using var fixture = await AuthFixture.OpenAsync();
        await fixture.RegisterAsync("ana", "Ana Lima");
        await fixture.RegisterAsync("bia", "Bia");
        await fixture.RegisterAsync("carl", "Carl");
        // As version 0.1 let them be stored.
        await foreach (var document in fixture.Store.Documents.AllAsync("accounts"))
        {
            var account = JsonNode.Parse(document.Json.Span)!;
            account["displayName"] = account["userName"]!.GetValue<string>() == "carl" ? "Admin" : "Ana Lima";
            await fixture.Store.Documents.CommitAllAsync([new DocumentChange.Put("accounts", document.Id, document.Version, Encoding.UTF8.GetBytes(account.ToJsonString()))]);
        }

        await fixture.RestartAsync();

        foreach (var (user, name) in new[] { ("ana", "ANA LIMA"), ("bia", "Ana Lima"), ("carl", "Admin") })
        {
            var session = (await fixture.SignInAsync(user)).Session;
            AccountChange change = new(Email: user + "@example.net", DisplayName: name);
            Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, session, change)));
        }

        Assert.Equal("displayName:looks_taken", await RegisterAsync(fixture, "zoe", "Ana Lima"));
        // When one of them takes another name, or is gone, the others have it still.
        var bia = (await fixture.SignInAsync("bia")).Session;
        Assert.Equal("ok", AuthFixture.Code(await ChangeAsync(fixture, bia, new AccountChange(DisplayName: "Bia Lima"))));
        var back = await ChangeAsync(fixture, bia, new AccountChange(DisplayName: "Ana Lima"));
        Assert.Equal("displayName:looks_taken", AuthFixture.Code(back));
    }

    private static async Task<AuthFixture> CrowdAsync()
    {
        var fixture = await AuthFixture.OpenAsync();
        foreach (var (name, number) in _taken.Select((name, number) => (name, number)))
        {
            await fixture.RegisterAsync("person-" + (char)('a' + number), name);
        }

        return fixture;
    }

    private static async Task AssertRefusedAsync<T>(string field, Func<string, Task<Outcome<T>>> take)
        where T : class
    {
        Assert.True(_alike.Length >= 60);
        List<string> wrong = [];
        foreach (var (names, code) in new[] { (_alike, "looks_taken"), (_invisible, "invalid"), (_reserved, "reserved") })
        {
            foreach (var name in names)
            {
                var answer = AuthFixture.Code(await take(name));
                if (answer != $"{field}:{code}")
                {
                    wrong.Add($"{name}: {answer}, not {code}");
                }
            }
        }

        Assert.Empty(wrong);
        // What is refused is the name, not whoever asks.
        Assert.Equal("ok", AuthFixture.Code(await take("Somebody Else")));
    }

    private static Task<Outcome<ChangedAccount>> ChangeAsync(AuthFixture fixture, LoginSession session, AccountChange change) =>
        fixture.Auth.Changes.ChangeAsync(session, AuthFixture.Password, change, AuthFixture.Home);

    private static async Task<string> RegisterAsync(AuthFixture fixture, string userName, string displayName, string? email = null) =>
        AuthFixture.Code(await fixture.Auth.Registration.RegisterAsync(
            email ?? userName + "@example.org", userName, displayName, AuthFixture.Password, AuthFixture.Home, isLocal: true));

    private static async Task<string> GuestAsync(AuthFixture fixture, string nickname) =>
        AuthFixture.Code(await fixture.Auth.Registration.EnterAsGuestAsync(nickname, AuthFixture.Home));
}
