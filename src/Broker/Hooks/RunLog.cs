using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Hooks;

/// <summary>What a hook, rule or webhook did.</summary>
/// <param name="At">Milliseconds since 1970; of the last, where it did the same several times.</param>
/// <param name="Outcome">`said`, `sent`, `nothing`, `refused` or `failed`.</param>
/// <param name="Why">A short code, or what the other side answered; empty: as it should be.</param>
/// <param name="Times">How often, one after the other.</param>
internal sealed record Run(long At, string Outcome, string Why = "", int Times = 1);

/// <summary>What one of them did last, the newest last. Thread-safe; <c>_gate</c> is a leaf lock.</summary>
/// <remarks>
/// <see cref="Add"/> reads no disk, for the thread that serves sockets adds, too: who shows or writes the whole puts what is stored
/// before it.
/// </remarks>
internal sealed class RunLog(byte[] key)
{
    /// <summary>So many are kept.</summary>
    public const int Length = 20;

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly List<Run> _runs = [];
    private bool _isLoaded;
    private bool _isChanged;
    private bool _isClosed;

    public byte[] Key => key;

    public Run[] All
    {
        get
        {
            lock (_gate)
            {
                return [.. _runs];
            }
        }
    }

    /// <summary>Does not wait: it is written down within some seconds.</summary>
    public void Add(DateTimeOffset at, string outcome, string why = "")
    {
        lock (_gate)
        {
            // What is refused over and over is one line, or it would push out all others.
            if (outcome is not ("said" or "sent") && _runs is [.., var last] && last.Outcome == outcome && last.Why == why)
            {
                _runs[^1] = last with { At = at.ToUnixTimeMilliseconds(), Times = last.Times + 1 };
            }
            else
            {
                _runs.Add(new Run(at.ToUnixTimeMilliseconds(), outcome, why));
            }

            Cut();
            _isChanged = true;
        }
    }

    /// <summary>There is something that is not written.</summary>
    public bool IsChanged
    {
        get
        {
            lock (_gate)
            {
                return _isChanged && !_isClosed;
            }
        }
    }

    /// <summary>What is stored is to be read before the whole is shown or written.</summary>
    public bool IsLoaded
    {
        get
        {
            lock (_gate)
            {
                return _isLoaded;
            }
        }
    }

    /// <param name="before">As it was stored by an earlier run of the program.</param>
    public void Load(IEnumerable<Run> before)
    {
        lock (_gate)
        {
            if (!_isLoaded)
            {
                _runs.InsertRange(0, before);
                Cut();
                _isLoaded = true;
            }
        }
    }

    /// <summary>What another node has stored, in the place of what it had stored before. Never blocks.</summary>
    public void Merge(IEnumerable<Run> stored)
    {
        lock (_gate)
        {
            var all = stored.Concat(_runs).DistinctBy(run => (run.At, run.Outcome, run.Why)).OrderBy(run => run.At).ToList();
            _runs.Clear();
            _runs.AddRange(all);
            Cut();
            _isLoaded = true;
        }
    }

    /// <summary>What is to be written of it; null: nothing has changed.</summary>
    public byte[]? TakeChanged()
    {
        lock (_gate)
        {
            if (!_isChanged || _isClosed)
            {
                return null;
            }

            _isChanged = false;
            return JsonSerializer.SerializeToUtf8Bytes([.. _runs], RunJson.Default.RunArray);
        }
    }

    /// <summary>It could not be written.</summary>
    public void PutBack()
    {
        lock (_gate)
        {
            _isChanged = true;
        }
    }

    private void Cut()
    {
        if (/* guard: how much is kept of what a hook did */ _runs.Count > Length)
        {
            _runs.RemoveRange(0, _runs.Count - Length);
        }
    }

    /// <summary>Nothing of it is written any more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(Run[]))]
internal sealed partial class RunJson : JsonSerializerContext;
