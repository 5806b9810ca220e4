using System.Xml.Linq;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Reports;
using WebMessenger.Load.Servers;
using WebMessenger.Load.Suite;

namespace WebMessenger.EndToEnd.Tests.Measuring;

/// <summary>
/// What could be wrong with the figures of `dotnet run --project tests/Load -c Release -- suite`, and would not be noticed.
/// </summary>
public sealed class SuiteTests
{
    private const string PerDelivery = "server CPU per delivery";

    [Theory]
    [InlineData(new[] { 3.0, 1, 2 }, 2)]
    [InlineData(new[] { 4.0, 1, 2, 3 }, 2.5)]
    [InlineData(new[] { 7.0 }, 7)]
    [InlineData(new double[0], double.NaN)]
    public void The_median_is_in_the_middle_and_between_two_if_two_are(double[] values, double median) => Assert.Equal(median, Figure.Median(values));

    [Fact]
    public void Every_goal_takes_its_numbers_from_runs_that_there_are()
    {
        var names = SuitePlan.Runs.Select(run => run.Name).ToList();

        Assert.Distinct(names);
        Assert.All(SuitePlan.Goals, goal => Assert.Contains(goal.Ours.Run, names));
        Assert.All(SuitePlan.Goals.Select(goal => goal.Beside).OfType<Source>(), beside => Assert.Contains(beside.Run, names));
        Assert.All(SuitePlan.Goals, goal => Assert.True(goal.Beside is not { IsMosquittos: true } beside || SuitePlan.Runs.Single(run => run.Name == beside.Run).BesideMosquitto));
    }

    [Fact]
    public void Every_run_is_typed_as_its_scenario_takes_it() =>
        Assert.All(SuitePlan.Runs, run => Assert.NotEmpty(run.Create(warmUp: 6, seconds: 4).Title));

    [Fact]
    public void The_targets_are_those_that_were_set() =>
        Assert.Equal(
            ["≤ 0.12 ×", "≤ 0.15 ×", "≤ 0.35 ×", "≤ 0.6 ×", "≤ 1.2 ×", "–", "≤ +0.6 ms", "≤ 2 ×", "≤ 1.5 ×", "≥ 40,000 /s", "≤ 14 kB", "–", "≥ 0.7 ×", "≤ 1.25 ×", "≤ 1.25 ×", "≤ +16 MB"],
            SuitePlan.Goals.Select(SuiteTable.Target));

    [Fact]
    public void The_ratio_is_of_our_median_to_mosquittos()
    {
        var row = Row([1.0, 3, 1.2], [12.0, 10, 5]);

        Assert.Equal((1.2, 10, 0.12), (row.Ours, row.Beside, Math.Round(row.Compared, 10)));
        Assert.True(row.IsReached);
    }

    [Fact]
    public void A_ratio_over_the_limit_is_not_reached() => Assert.False(Row([1.3], [10.0]).IsReached);

    [Theory]
    [InlineData(new double[0], new[] { 10.0 })]
    [InlineData(new[] { 1.0 }, new double[0])]
    public void What_was_not_measured_is_not_reached(double[] ours, double[] mosquittos) => Assert.False(Row(ours, mosquittos).IsReached);

    [Theory]
    [InlineData(false, 0.7, true)]
    [InlineData(true, 0.7, true)]
    [InlineData(true, 0.69, false)]
    [InlineData(false, 0.71, false)]
    [InlineData(true, double.NaN, false)]
    public void A_limit_is_reached_from_its_side_and_on_it(bool isAtLeast, double compared, bool isReached) =>
        Assert.Equal(isReached, Alone(0.7, isAtLeast).IsReached(compared));

    [Fact]
    public void Without_a_limit_nothing_is_reached_or_missed() =>
        Assert.Null(Alone(double.NaN, isAtLeast: false).IsReached(1));

    [Fact]
    public void A_goal_compares_as_it_says()
    {
        var alone = Alone(1, isAtLeast: false);

        Assert.Equal(2, alone.Compare(2, 4));
        Assert.Equal(0.5, (alone with { Comparison = Comparison.Ratio }).Compare(2, 4));
        Assert.Equal(-2, (alone with { Comparison = Comparison.Difference }).Compare(2, 4));
    }

    [Fact]
    public void Goals_whose_runs_were_not_run_are_left_out()
    {
        var report = Of([1.0], [10.0]);

        Assert.Equal(["room-100"], report.Rows(SuitePlan.Goals).Select(row => row.Goal.Ours.Run).Distinct());
    }

    [Fact]
    public void A_problem_of_one_round_is_told_with_the_run_and_the_contender()
    {
        var report = Of([1.0], [10.0]);
        report.Runs[0].Report.Series[1].Outcomes.Add(new Outcome([], ["Member 7 got message 3 twice."]));

        Assert.Equal(["room-100: mosquitto: Member 7 got message 3 twice."], report.Problems);
    }

    [Fact]
    public void Other_work_on_the_machine_is_told_when_it_was_much()
    {
        var report = Of([1.0], [10.0]);
        var (ours, mosquittos) = (report.Runs[0].Report.Series[0], report.Runs[0].Report.Series[1]);
        ours.Outcomes.Add(new Outcome([new Figure("everything else's CPU", "% of a core", 20)], []));
        Assert.Null(report.OtherWork);

        mosquittos.Outcomes.Add(new Outcome([new Figure("everything else's CPU", "% of a core", 130)], []));

        Assert.Equal(1.3, report.OtherWork);
        Assert.Contains(SuiteFiles.Chart(report).Below, line => line.Contains("other work (up to 1.3 cores)", StringComparison.Ordinal));
    }

    [Fact]
    public void The_time_that_is_left_follows_what_the_steps_so_far_took()
    {
        int[] expected = [600, 600, 600];

        Assert.Equal(TimeSpan.FromMinutes(30), Progress.Left(expected, done: 0, TimeSpan.Zero));
        Assert.Equal(TimeSpan.FromMinutes(20), Progress.Left(expected, done: 1, TimeSpan.FromMinutes(10)));
        Assert.InRange(Progress.Left(expected, done: 2, TimeSpan.FromMinutes(40)), TimeSpan.FromMinutes(18), TimeSpan.FromMinutes(20));
        Assert.Equal(TimeSpan.Zero, Progress.Left(expected, done: 3, TimeSpan.FromMinutes(99)));
    }

    [Fact]
    public void The_chart_escapes_what_it_says_and_says_all_of_it()
    {
        const string nasty = "<script>alert('&')</script> \"x\"";
        BarChart chart = new(nasty, nasty, nasty, nasty, [new(nasty, nasty, 0.1, nasty, nasty, nasty, nasty)], [nasty]);

        var written = chart.Draw().ToString();

        Assert.DoesNotContain("<script", written, StringComparison.Ordinal);
        var texts = XDocument.Parse(written).Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value).ToList();
        Assert.Equal(11, texts.Count);
        Assert.All(texts, text => Assert.Equal(nasty, text));
    }

    [Theory]
    [InlineData(0.1, 32, 320)]
    [InlineData(2, 320, 160)]
    public void The_bars_are_as_long_as_the_numbers_and_the_longest_fits(double ratio, double ours, double mosquittos)
    {
        BarChart chart = new("", "", "", "", [new("", "", ratio, "", "", "", "")], []);

        var bars = chart.Draw().Descendants().Where(element => element.Name.LocalName == "rect" && (string?)element.Attribute("height") == "16").Select(element => (double)element.Attribute("width")!);

        Assert.Equal([ours, mosquittos], bars);
    }

    [Fact]
    public void The_chart_leaves_out_what_was_not_measured()
    {
        Assert.Single(SuiteFiles.Chart(Of([1.0], [10.0])).Pairs);
        Assert.Empty(SuiteFiles.Chart(Of([1.0], [])).Pairs);
    }

    [Fact]
    public void What_is_run_of_devices_can_be_run_and_has_what_its_goals_are_about()
    {
        DataPlan plan = new(clients: 2_000);
        Assert.All(plan.Runs, run => Assert.NotEmpty(run.Create(warmUp: 6, seconds: 4).Title));
        var names = plan.Runs.Select(run => run.Name).ToList();
        Assert.All(plan.Goals, goal => Assert.Contains(goal.Ours.Run, names));
        Assert.All(plan.Goals.Select(goal => goal.Beside).OfType<Source>(), beside => Assert.Contains(beside.Run, names));
        Assert.Equal(["fan-out-0", "fan-out-1", "fan-out-2"], SuiteRun.Named(plan.Runs, "fan-out").Select(run => run.Name));
    }

    [Theory]
    [InlineData("room", "room-100 room-1000")]
    [InlineData("rooms", "rooms")]
    [InlineData("room-100", "room-100")]
    [InlineData("lone, flat", "flat-100 flat-10000 lone")]
    public void A_name_means_itself_and_those_that_begin_with_it(string typed, string meant) =>
        Assert.Equal(meant.Split(' '), SuitePlan.Named(typed).Select(run => run.Name));

    [Fact]
    public void Without_names_all_is_meant_and_with_an_unknown_one_nothing()
    {
        Assert.Equal(SuitePlan.Runs, SuitePlan.Named(null));
        Assert.Throws<UsageException>(() => SuitePlan.Named("rooms,romos"));
    }

    [Fact]
    public void A_pair_is_judged_by_the_ratios_of_its_rounds_so_that_a_disturbed_round_counts_once()
    {
        // The second round was disturbed for both, the fourth has no partner.
        var row = Paired([1.0, 50, 1.1, double.NaN], [1.0, 50, 1.0, 1.0]).Rows.Single();

        Assert.Equal((1.0, 1.07), (row.Ratio, row.Limit));
        Assert.True(row.IsKept);
    }

    [Fact]
    public void A_pair_that_is_dearer_or_was_not_measured_is_not_kept()
    {
        Assert.True(Paired([1.05], [1.0]).IsKept);
        Assert.False(Paired([1.1], [1.0]).IsKept);
        Assert.False(Paired([1.0], [double.NaN]).IsKept);
    }

    private static Pair Paired(double[] now, double[] before) => new(SuitePlan.Runs[0], SeriesOf("now", now), SeriesOf("before", before));

    private static Goal Alone(double limit, bool isAtLeast) => new("", "", "", new("", ""), null, Comparison.None, limit, isAtLeast);

    private static SuiteReport.Row Row(double[] ours, double[] mosquittos) => Of(ours, mosquittos).Rows(SuitePlan.Goals).Single();

    private static SuiteReport Of(double[] ours, double[] mosquittos)
    {
        Machine machine = new("a processor", 2, 8, "a system", "a runtime");
        Series[] series = [.. new[] { ("WebMessenger", ours), ("mosquitto", mosquittos) }.Select(one => SeriesOf(one.Item1, one.Item2))];
        var run = SuitePlan.Runs[0];
        return new SuiteReport("suite", DateTimeOffset.UnixEpoch, machine, ours.Length, [(run, new Report(run.Typed, "", "", new Dictionary<string, string>(), [], machine, series))]);
    }

    private static Series SeriesOf(string name, double[] values)
    {
        Series series = new(new NotStarted(name));
        series.Outcomes.AddRange(values.Select(value => new Outcome(double.IsNaN(value) ? [] : [new Figure(PerDelivery, "µs", value)], [])));
        return series;
    }

    private sealed class NotStarted(string name) : IContender
    {
        public string Name => name;

        public string Version => "1";

        public Task<ServerUnderTest> StartAsync(Preparation preparation, CancellationToken cancellation) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
