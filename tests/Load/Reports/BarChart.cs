using System.Globalization;
using System.Xml.Linq;

namespace WebMessenger.Load.Reports;

/// <summary>
/// Two bars for each of some subjects, as an SVG that is read in light and in dark:
/// each pair has its own scale, on which the second bar is 1.
/// </summary>
/// <param name="First">What the upper bars are.</param>
/// <param name="Second">What the lower bars are.</param>
/// <param name="Below">Lines of small print.</param>
internal sealed record BarChart(string Title, string Subtitle, string First, string Second, IReadOnlyList<BarChart.Pair> Pairs, IReadOnlyList<string> Below)
{
    private const int Width = 860;
    private const int Margin = 24;
    private const int BarsAt = 320;
    private const int BarsWidth = 320;
    private const int BarHeight = 16;
    private const int Top = 112;
    private const int PairHeight = 58;
    private const int LineHeight = 18;

    // Colours that keep 4.5 : 1 for text, in both.
    private const string Style =
        """

            text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-size: 14px; fill: #1f2328; }
            .title { font-size: 20px; font-weight: 600; }
            .strong { font-weight: 600; }
            .small { font-size: 12px; fill: #59636e; }
            .end { text-anchor: end; }
            .back { fill: #ffffff; }
            .first { fill: #0969da; }
            .second { fill: #8c959f; }
            .one { stroke: #d1d9e0; }
            @media (prefers-color-scheme: dark) {
              text { fill: #e6edf3; }
              .small { fill: #9198a1; }
              .back { fill: #0d1117; }
              .first { fill: #4493f8; }
              .second { fill: #656c76; }
              .one { stroke: #3d444d; }
            }

        """;

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    public XDocument Draw()
    {
        var bottom = Top + (Pairs.Count * PairHeight);
        var height = bottom + 8 + (Below.Count * LineHeight) + Margin;
        var scale = BarsWidth / Pairs.Select(pair => pair.Ratio).Append(1).Max();
        return new XDocument(new XElement(
            Svg + "svg",
            new XAttribute("viewBox", Invariant($"0 0 {Width} {height}")),
            new XAttribute("width", Width),
            new XAttribute("height", height),
            new XAttribute("role", "img"),
            new XAttribute("aria-labelledby", "title description"),
            new XElement(Svg + "title", new XAttribute("id", "title"), Title),
            new XElement(Svg + "desc", new XAttribute("id", "description"), Describe()),
            new XElement(Svg + "style", Style),
            Box("back", 0, 0, Width, height, 8),
            Text("title", Margin, 40, Title),
            Text("small", Margin, 62, Subtitle),
            Box("first", Margin, 77, 12, 12),
            Text("", Margin + 18, 88, First),
            Box("second", BarsAt, 77, 12, 12),
            Text("", BarsAt + 18, 88, Second),
            new XElement(
                Svg + "line",
                new XAttribute("class", "one"),
                new XAttribute("x1", Number(BarsAt + scale)),
                new XAttribute("x2", Number(BarsAt + scale)),
                new XAttribute("y1", Top - 8),
                new XAttribute("y2", bottom - 8)),
            Pairs.Select((pair, i) => Draw(pair, Top + (i * PairHeight), scale)),
            Below.Select((line, i) => Text("small", Margin, bottom + 8 + ((i + 1) * LineHeight), line))));
    }

    private static IEnumerable<XElement> Draw(Pair pair, int y, double scale) =>
    [
        Text("strong", Margin, y + 13, pair.Subject),
        Text("small", Margin, y + 32, pair.Figure),
        Box("first", BarsAt, y, pair.Ratio * scale, BarHeight),
        Text("", BarsAt + (pair.Ratio * scale) + 8, y + 13, pair.First),
        Box("second", BarsAt, y + BarHeight + 3, scale, BarHeight),
        Text("", BarsAt + scale + 8, y + BarHeight + 16, pair.Second),
        Text("strong end", Width - Margin, y + 13, pair.Compared),
        Text("small end", Width - Margin, y + BarHeight + 16, pair.Target),
    ];

    private static XElement Box(string style, double x, double y, double width, double height, int corner = 2) => new(
        Svg + "rect",
        new XAttribute("class", style),
        new XAttribute("x", Number(x)),
        new XAttribute("y", Number(y)),
        new XAttribute("width", Number(width)),
        new XAttribute("height", Number(height)),
        new XAttribute("rx", corner));

    private static XElement Text(string style, double x, double y, string text) => new(
        Svg + "text",
        style.Length > 0 ? new XAttribute("class", style) : null,
        new XAttribute("x", Number(x)),
        new XAttribute("y", Number(y)),
        text);

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private string Describe() => string.Join(" ", Pairs.Select(pair => $"{pair.Subject}, {pair.Figure}: {First} {pair.First}, {Second} {pair.Second}, {pair.Compared}."));

    /// <param name="Ratio">Of the first to the second: finite, and not below 0.</param>
    /// <param name="First">The first's number, as it is shown.</param>
    internal sealed record Pair(string Subject, string Figure, double Ratio, string First, string Second, string Compared, string Target);
}
