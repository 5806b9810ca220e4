using System.Collections.Frozen;
using System.Text;

namespace WebMessenger.Auth.Names;

/// <summary>
/// Which letters of other scripts are drawn like which Latin ones. After the idea of UTS 39's confusables, cut to what names are forged
/// with.
/// </summary>
/// <remarks>
/// A character stands here as NFKD leaves it: full-width, mathematical and circled letters need no line. It stands in lower case, if both
/// cases are drawn like the same letter. 4 for a, 3 for e or 5 for s is not here: people see the difference, and many honest names end in
/// a number.
/// </remarks>
internal static class LookAlikes
{
    private const int CherokeeLetterA = 0x13A0;
    private const int CherokeeSmallLetterA = 0xAB70;
    private const int CherokeeSmallLetterZ = 0xABBF;

    private static readonly FrozenDictionary<Rune, string> Table = Expand(
        ("a", "ɑΛαаᎪᗅᴀᶏ₳ⱥⲁꓮ𐊠𖽀ᗩᐃɐɒ"),
        ("b", "ƀƃƄɓʙΒБЬвѣҍ฿ᏏᏴᑲᑳᖯᗷᵬᶀ₿ⲃꓐꞗꞴ𐊂𐊡𐌁ᗸ"),
        ("c", "¢ƈȼɕсҫᏟᴄ₵ⲥꓚꞓꞔ𐊢𐌂𐐽𐔜𑣩𑣲𝼝ᑕᑢɔ"),
        ("d", "ÐđƌȡɖɗԁᎠᏧᑯᗞᗪᴅᵭᶁᶑꓒꓓꟈ"),
        ("e", "ɇΞΣεеєҽҿᎬᴇᶒ€℮ⱸⲉⴹꓰꬲꬴ𐊆𑢦𑢮ᗴᕮᘿǝəɘ"),
        ("f", "ƒϝքᖴᵮᶂẝꓝꜰꞙꬵ𐊇𐊥𐔥𑣂"),
        ("g", "ƍǥɠɡɢʛԍցᏀᏳᶃ₲ꓖꞡꬶᘜ"),
        ("h", "ħɦʜΗнћҢһӇӉհᎻᏂᏲᕼⱨⲏꓧꚕꞕ𐋏ɥ"),
        ("j", "ȷɉɟʄʝϳј\u05E0Ꭻᒍᴊꓙᒎ"),
        ("k", "ĸƙκкҚҞᏦᴋᶄ₭ⱪⲕꓗꝁꝃꝅꞣ𐔘ᛕʞ"),
        ("l", "|ıłƚǀȴɨɩɪɫɬɭʟιіӏ\u05D5\u05DF\u0627ᎥᏞᒪᛁᴌᵻᵼᶅᶖⱡⲓⳐⵏꓡꓲꙇꝉꞎꬷꬸꬹ𐊊𐌉𐌠𐐛𐔦𑢲𑣃𖼖𖼨𝼄𝼑𝼓𝼚ᴉ"),
        ("m", "ɱΜϺмӍᎷᗰᴍᵯᶆⲙꓟꬺꭑ𐊰𐌑ᙢᘻ"),
        ("n", "ƞȵɲɳɴΝηипոռᵰᶇ₦ⲛꓠꞑꞥꬻ𐔓ᑎᘉᑍ"),
        ("o", "øɵθοσоѳөօ\u05E1\u0647\u07C0०০੦૦ଠ୦௦౦೦ഠ൦๐໐ဝ၀ჿዐᎾᏫᴏᴑⱺⲟⴱⵁⵔ〇ꓳꝋꝍꬽꬾ𐊒𐊫𐐬𐓪𐔖𑢵𑣈𑣗𑣠𝼛ᗝᓍᗜ"),
        ("p", "ƥρрᏢᑭᴘᵱᵽᶈ₱ⲣꓑꝑꝓꝕ𐊕ᑮ"),
        ("q", "ɋʠԛգզⵕꝗꝙꞯᑫ"),
        ("r", "ɍɼɽɾʀгяғᎡᏒᖇᴦᵲᵳᶉⲅꓣꞧꭆꭇꭈꭉꭋꭌ𐒴𖼵𝼖ᖈᖆɹɺɻʁ"),
        ("s", "$ƽȿʂѕՏᏕᏚᵴᶊ₴ꓢꜱꞩꟊ𐊖𐑈𑣁𖼺𝼞ᔕᔑᔖᖕ"),
        ("t", "ŧƫƭȶʈτтҬᎢᴛᵵ₮₸ⱦⲧꓔ𐊗𐊱𐌕𑢼𖼊𝼉ᐪᖶʇ"),
        ("u", "ɄμυսᏌᑌᴜᵾᶙꓴꞟꞹꭎꭒ𐓶𑣘𖽂ᑘ"),
        ("v", "ʋνѵᏙᐯᴠᶌỽⱱⱴⴸꓦꝟ𐔝𑣀𖼈ᕓᗐʌ"),
        ("w", "ɯωшѡѽԝաᎳᏔᴡ₩ⱳꓪꝡ𑣦𑣯ᗯᙡᘺʍ"),
        ("x", "χхҲᕁᕽᶍⲭⵝꓫꞳꭖꭗꭘꭙ𐊐𐊴𐌗𐌢𐔧𑣬"),
        ("y", "¥ƴɏɣʏΥγуүұყᎩᎽỿⲩꓬꭚ𐊲𑢤𑣜𖽃ᖻʎ"),
        ("z", "ƶȥɀʐʑΖᏃᴢᵶᶎⱬꓜꝣ𐋵𑢩𑣄𑣥ᘔᗱ"),
        ("2", "ƧƻϨᒿꙄꝚ"),
        ("3", "ƷȜзҘӠⳌꝪꞫ𑣊𖼻"),
        ("4", "Ꮞ𑢯"),
        ("5", "Ƽ𑢻"),
        ("6", "бᏮⳒ𑣕"),
        ("7", "𐓒𑣆"),
        ("8", "ȣ𐌚"),
        ("9", "ⳊꝮ𑣌𑣖"),
        ("aa", "ꜳ"),
        ("ae", "æӕᴁ"),
        ("ao", "ꜵ"),
        ("au", "ꜷ"),
        ("av", "ꜹꜻ"),
        ("ay", "ꜽ"),
        ("dz", "ʣ"),
        ("ll", "ǁ"),
        ("ls", "ʪ"),
        ("lz", "ʫ"),
        ("oe", "œɶ"),
        ("oo", "ꚙꝏ"),
        ("rn", "𑣣"),
        ("ss", "ß"),
        ("ts", "ʦ"),
        ("ue", "ᵫ"),
        ("uo", "ꭣ"),
        // Japanese: signs of kana that are drawn like Chinese characters or like one another.
        ("力", "カ"), ("口", "ロ"), ("工", "エ"), ("一", "ー"), ("二", "ニ"), ("卜", "ト"), ("夕", "タ"), ("八", "ハ"), ("へ", "ヘ"));

    // Signs that are no letters, and are drawn like one. Some are read in more than one way.
    private static readonly FrozenDictionary<Rune, string> Signs = Expand(
        ("a", "@∀∆△▲⍺⋀∧⟑"),
        ("c", "©⊂⊏"),
        ("e", "∈∊∋∍⋲⋳⋴⋵⋶⋷⋸⋹⋿≡"),
        ("f", "⨍∮"),
        ("i", "¡│┃┆┇┊┋╎╏║∣⎮❘❙︱"),
        ("l", "⌊⎿└┗"),
        ("n", "∩⋂⊓⨅"),
        ("o", "○◯◦●◌◍◎◉⊙⊚⊕⊖⊗⊘⊛∘∅⌀⍉⍜⍟⎔⚪⚫⚬⭕⭘°•☉⚆⚇⚈⚉๏🔴🔵🟠🟡🟢🟣🟤⦿⦾⨀⨁⨂"),
        ("r", "®"),
        ("t", "⊤⟙⏉┬┳╤╥╦†‡⍑⊥┴"),
        ("u", "∪⋃⊔⨆"),
        ("v", "∨⋁√▽▼∇"),
        ("w", "⍵"),
        ("x", "×✕✖✗✘❌╳⨯"),
        ("y", "⅄"),
        (ForgedReading.AnyLetter.ToString(), "∂"));

    // Chinese and Japanese characters with which Latin words are drawn. 厶 and 丁 stand for more letters than one.
    private static readonly FrozenDictionary<Rune, string> Fancy = Expand(
        ("a", "卂丹"), ("b", "乃"), ("c", "匚ㄈ"), ("d", "刀"), ("e", "乇モ"), ("f", "下千"), ("h", "卄廾"), ("i", "工エ"), ("k", "长"),
        ("l", "乚丨"), ("m", "爪"), ("n", "几冂"), ("o", "口ロ囗回"), ("p", "尸"), ("q", "㔿"), ("r", "尺"), ("s", "丂"), ("t", "丅"),
        ("u", "凵"), ("v", "リ"), ("w", "山"), ("x", "乂メ"), ("y", "丫"), ("z", "乙"),
        (ForgedReading.AnyLetter.ToString(), "厶ム丁己巳日七力"));

    // The regions that have a flag (UTS 51, emoji sequences); two letters of no region are drawn as letters.
    private static readonly FrozenSet<string> Flags = (
        "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz ca " +
        "cc cd cf cg ch ci ck cl cm cn co cp cq cr cu cv cw cx cy cz de dg dj dk dm do dz ea ec ee eg eh er es et eu fi fj fk " +
        "fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu ic id ie il im in io iq ir is it " +
        "je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn mo mp " +
        "mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re " +
        "ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz ta tc td tf tg th tj tk tl tm tn to tr tt " +
        "tv tw tz ua ug um un us uy uz va vc ve vg vi vn vu wf ws xk ye yt za zm zw")
        .Split(' ').ToFrozenSet();

    /// <summary>What a sign of a word stands for, in lower case; null where it may be anything, or nothing.</summary>
    /// <param name="isWithin">Letters or digits are on both sides: `!` ends a word, and is an i only within one.</param>
    public static string? OfSign(Rune rune, bool isWithin) => rune.Value switch
    {
        '!' => isWithin ? "i" : null,
        _ => Signs.GetValueOrDefault(rune) ?? Of(rune),
    };

    /// <summary>What a Chinese or Japanese character stands for in a word that is not written in them.</summary>
    public static string? OfFancy(Rune rune) => Fancy.GetValueOrDefault(rune);

    /// <summary>What the character is drawn like, in lower case; null where there is no other like it.</summary>
    public static string? Of(Rune rune) => rune.Value switch
    {
        < 0x80 => rune.Value is '|' or '$' ? Table[rune] : null,
        // Cherokee's small letters are drawn as its capitals are, only smaller.
        >= CherokeeSmallLetterA and <= CherokeeSmallLetterZ =>
            Table.GetValueOrDefault(new Rune(rune.Value - CherokeeSmallLetterA + CherokeeLetterA)),
        // The six of them that Unicode has beside the capitals, and not in the block of the others.
        >= 0x13F8 and <= 0x13FD => Table.GetValueOrDefault(new Rune(rune.Value - 0x13F8 + 0x13F0)),
        // White letters on black circles and squares, which have no decomposition.
        >= 0x1F150 and <= 0x1F169 => Letter(rune.Value - 0x1F150),
        >= 0x1F170 and <= 0x1F189 => Letter(rune.Value - 0x1F170),
        // White digits on black circles, and digits in circles of other kinds.
        >= 0x2776 and <= 0x277E => Digit(rune.Value - 0x2776 + 1),
        >= 0x2780 and <= 0x2788 => Digit(rune.Value - 0x2780 + 1),
        >= 0x278A and <= 0x2792 => Digit(rune.Value - 0x278A + 1),
        0x24FF or 0x1F10B or 0x1F10C => "0",
        _ => Table.GetValueOrDefault(rune) ?? Table.GetValueOrDefault(Rune.ToLowerInvariant(rune)),
    };

    /// <summary>A to Z in dashed boxes, two of which are drawn as a flag where there is one.</summary>
    public static bool IsRegionalIndicator(Rune rune) => rune.Value is >= 0x1F1E6 and <= 0x1F1FF;

    public static bool AreFlag(Rune first, Rune second) =>
        IsRegionalIndicator(first) && IsRegionalIndicator(second)
        && Flags.Contains(OfRegionalIndicator(first) + OfRegionalIndicator(second));

    public static string OfRegionalIndicator(Rune rune) => Letter(rune.Value - 0x1F1E6);

    private static string Letter(int number) => ((char)('a' + number)).ToString();

    private static string Digit(int number) => ((char)('0' + number)).ToString();

    private static FrozenDictionary<Rune, string> Expand(params (string Alike, string Others)[] lines) =>
        lines.SelectMany(line => line.Others.EnumerateRunes().Select(rune => KeyValuePair.Create(rune, line.Alike))).ToFrozenDictionary();
}
