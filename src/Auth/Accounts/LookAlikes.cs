using System.Collections.Frozen;
using System.Text;

namespace WebMessenger.Auth.Accounts;

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
        ("a", "ɑΛαаᎪᗅᴀᶏ₳ⱥⲁꓮ𐊠𖽀"),
        ("b", "ƀƃƄɓʙΒБЬвѣҍ฿ᏏᏴᑲᑳᖯᗷᵬᶀ₿ⲃꓐꞗꞴ𐊂𐊡𐌁"),
        ("c", "¢ƈȼɕсҫᏟᴄ₵ⲥꓚꞓꞔ𐊢𐌂𐐽𐔜𑣩𑣲𝼝"),
        ("d", "ÐđƌȡɖɗԁᎠᏧᑯᗞᗪᴅᵭᶁᶑ∂ꓒꓓꟈ"),
        ("e", "ɇΞΣεеєҽҿᎬᴇᶒ€℮ⱸⲉⴹꓰꬲꬴ𐊆𑢦𑢮"),
        ("f", "ƒϝքᖴᵮᶂẝꓝꜰꞙꬵ𐊇𐊥𐔥𑣂"),
        ("g", "ƍǥɠɡɢʛԍցᏀᏳᶃ₲ꓖꞡꬶ"),
        ("h", "ħɦʜΗнћҢһӇӉհᎻᏂᏲᕼⱨⲏꓧꚕꞕ𐋏"),
        ("j", "ȷɉɟʄʝϳј\u05E0Ꭻᒍᴊꓙ"),
        ("k", "ĸƙκкҚҞᏦᴋᶄ₭ⱪⲕꓗꝁꝃꝅꞣ𐔘"),
        ("l", "|ıłƚǀȴɨɩɪɫɬɭʟιіӏ\u05D5\u05DF\u0627ᎥᏞᒪᛁᴌᵻᵼᶅᶖⱡⲓⳐⵏꓡꓲꙇꝉꞎꬷꬸꬹ𐊊𐌉𐌠𐐛𐔦𑢲𑣃𖼖𖼨𝼄𝼑𝼓𝼚"),
        ("m", "ɱΜϺмӍᎷᗰᴍᵯᶆⲙꓟꬺꭑ𐊰𐌑"),
        ("n", "ƞȵɲɳɴΝηипոռᵰᶇ₦ⲛꓠꞑꞥꬻ𐔓"),
        ("o", "øɵθοσоѳөօ\u05E1\u0647\u07C0०০੦૦ଠ୦௦౦೦ഠ൦๐໐ဝ၀ჿዐᎾᏫᴏᴑⱺⲟⴱⵁⵔ〇ꓳꝋꝍꬽꬾ𐊒𐊫𐐬𐓪𐔖𑢵𑣈𑣗𑣠𝼛"),
        ("p", "ƥρрᏢᑭᴘᵱᵽᶈ₱ⲣꓑꝑꝓꝕ𐊕"),
        ("q", "ɋʠԛգզⵕꝗꝙꞯ"),
        ("r", "ɍɼɽɾʀгяғᎡᏒᖇᴦᵲᵳᶉⲅꓣꞧꭆꭇꭈꭉꭋꭌ𐒴𖼵𝼖"),
        ("s", "$ƽȿʂѕՏᏕᏚᵴᶊ₴ꓢꜱꞩꟊ𐊖𐑈𑣁𖼺𝼞"),
        ("t", "ŧƫƭȶʈτтҬᎢᴛᵵ₮₸ⱦⲧꓔ𐊗𐊱𐌕𑢼𖼊𝼉"),
        ("u", "ɄμυսᏌᑌᴜᵾᶙꓴꞟꞹꭎꭒ𐓶𑣘𖽂"),
        ("v", "ʋνѵᏙᐯᴠᶌỽⱱⱴⴸꓦꝟ𐔝𑣀𖼈"),
        ("w", "ɯωшѡѽԝաᎳᏔᴡ₩ⱳꓪꝡ𑣦𑣯"),
        ("x", "χхҲᕁᕽᶍⲭⵝꓫꞳꭖꭗꭘꭙ𐊐𐊴𐌗𐌢𐔧𑣬"),
        ("y", "¥ƴɏɣʏΥγуүұყᎩᎽỿⲩꓬꭚ𐊲𑢤𑣜𖽃"),
        ("z", "ƶȥɀʐʑΖᏃᴢᵶᶎⱬꓜꝣ𐋵𑢩𑣄𑣥"),
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

    /// <summary>What the character is drawn like, in lower case; null where there is no other like it.</summary>
    public static string? Of(Rune rune) => rune.Value switch
    {
        < 0x80 => rune.Value is '|' or '$' ? Table[rune] : null,
        // Cherokee's small letters are drawn as its capitals are, only smaller.
        >= CherokeeSmallLetterA and <= CherokeeSmallLetterZ =>
            Table.GetValueOrDefault(new Rune(rune.Value - CherokeeSmallLetterA + CherokeeLetterA)),
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

    /// <summary>A to Z in dashed boxes, two of which are drawn as a flag.</summary>
    public static bool IsRegionalIndicator(Rune rune) => rune.Value is >= 0x1F1E6 and <= 0x1F1FF;

    public static string OfRegionalIndicator(Rune rune) => Letter(rune.Value - 0x1F1E6);

    private static string Letter(int number) => ((char)('a' + number)).ToString();

    private static string Digit(int number) => ((char)('0' + number)).ToString();

    private static FrozenDictionary<Rune, string> Expand(params (string Alike, string Others)[] lines) =>
        lines.SelectMany(line => line.Others.EnumerateRunes().Select(rune => KeyValuePair.Create(rune, line.Alike))).ToFrozenDictionary();
}
