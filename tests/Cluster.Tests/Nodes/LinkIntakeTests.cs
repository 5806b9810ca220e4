using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Cluster.Nodes;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Tests.Nodes;

/// <summary>What another node asks is done once, however often it asks.</summary>
public sealed class LinkIntakeTests
{
    private readonly LinkIntake _intake = new(new NodeOptions { Postgres = "", LinkQueueBytes = 10_000 }, NullLogger<LinkIntake>.Instance);
    private readonly List<byte> _done = [];

    [Fact]
    public async Task A_question_whose_answer_was_lost_has_the_same_answer_and_is_not_done_again()
    {
        Open(asked => Done(asked, new byte[] { (byte)(asked + 1) }));

        var first = await AskAsync(1, 1, 7);
        var again = await AskAsync(1, 1, 7);

        Assert.Equal((AnswerKind.Answered, (byte)8), (first.Kind, first.Bytes.Span[0]));
        Assert.Equal((AnswerKind.Answered, (byte)8), (again.Kind, again.Bytes.Span[0]));
        Assert.Equal([7], _done);
    }

    [Fact]
    public async Task What_its_asker_waits_for_no_more_is_not_done_when_it_comes_after_all_and_not_remembered()
    {
        Open(asked => Done(asked, default));
        await AskAsync(1, 1, 1);
        await AskAsync(2, 1, 2);

        await AskAsync(4, 4, 4);

        Assert.Equal(AnswerKind.Failed, (await AskAsync(3, 1, 3)).Kind);
        Assert.Equal(AnswerKind.Failed, (await AskAsync(2, 1, 2)).Kind);
        Assert.Equal([1, 2, 4], _done);
    }

    [Fact]
    public async Task What_has_failed_is_done_when_it_is_asked_again()
    {
        var fails = true;
        Open(asked => fails ? throw new InvalidOperationException("It cannot be.") : Done(asked, default));
        Assert.Equal(AnswerKind.Failed, (await AskAsync(1, 1, 7)).Kind);
        fails = false;

        Assert.Equal(AnswerKind.Answered, (await AskAsync(1, 1, 7)).Kind);
        Assert.Equal([7], _done);
    }

    [Fact]
    public async Task A_node_that_has_left_is_forgotten_and_another_ones_numbers_are_its_own()
    {
        Open(asked => Done(asked, default));
        await AskAsync(1, 1, 1);
        await AskAsync(1, 1, 2, from: "node-2");
        _intake.Forget("node-1");

        Assert.Equal(AnswerKind.Answered, (await AskAsync(1, 1, 3)).Kind);
        Assert.Equal([1, 2, 3], _done);
    }

    [Fact]
    public async Task So_many_answers_and_bytes_of_them_are_remembered()
    {
        AskedQuestions asked = new(bytesAtMost: 1_000);
        for (var number = 1; number <= 20_000; number++)
        {
            await AnswerAsync(number, lowest: 1, bytes: 0);
        }

        Assert.Equal(10_000, asked.Count);
        await AnswerAsync(20_001, lowest: 1, bytes: 900);
        await AnswerAsync(20_002, lowest: 1, bytes: 900);
        Assert.Equal(1, asked.Count);

        // Who goes on has nothing remembered, however far that is.
        await AnswerAsync(20_003, lowest: 20_003, bytes: 0);
        Assert.Equal(1, asked.Count);
        await AnswerAsync(long.MaxValue, lowest: long.MaxValue, bytes: 0);
        Assert.Equal(1, asked.Count);

        async Task AnswerAsync(long number, long lowest, int bytes)
        {
            var answer = asked.Take(new Question("node-1", number, lowest, NodeTopic.Data, default), out var work);
            asked.Answer(number, work!, new Answer(AnswerKind.Answered, new byte[bytes]));
            await answer!;
        }
    }

    [Fact]
    public void A_question_says_which_is_the_lowest_that_is_waited_for()
    {
        OpenQuestions open = new("node-1");
        var last = 6L;
        var (first, second) = (Begin(), Begin());
        Assert.Equal((7L, 7L, 8L, 7L), (first.Number, first.Lowest, second.Number, second.Lowest));

        open.End(first);
        Assert.Equal(8, Begin().Lowest);

        Question Begin() => open.Begin(ref last, NodeTopic.Data, default);
    }

    private void Open(Func<byte, Task<ReadOnlyMemory<byte>>> answer)
    {
        _intake.Answer(NodeTopic.Data, (_, message) => answer(message.Span[0]));
        _intake.Open();
    }

    private Task<ReadOnlyMemory<byte>> Done(byte asked, ReadOnlyMemory<byte> answer)
    {
        _done.Add(asked);
        return Task.FromResult(answer);
    }

    private async Task<Answer> AskAsync(long number, long lowest, byte asked, string from = "node-1") =>
        Answer.Read(await _intake.AskAsync(new Question(from, number, lowest, NodeTopic.Data, new[] { asked }).Write()));
}
